# Finds what a text says of itself: its title (the first line), its reference (after "no.:" or
# "reference:"), its date (the first one as YYYY-MM-DD) and its total (the last amount on a line
# that begins with "total"). What it does not say is null.
# Input: path. Output: title, reference, date, total.
. ./lib/json.sh

fields=$(LC_ALL=C awk '
  # Titles become part of other programs'"'"' environments: whole words of the first 120 bytes.
  function shorten(text) {
    if (length(text) <= 120) return text
    text = substr(text, 1, 120)
    sub(/ [^ ]*$/, "", text)
    return text
  }
  # The last number of a line as JSON has it, without thousands separators and leading zeros.
  function amount(text) {
    if (!match(text, /[0-9][0-9,]*(\.[0-9]+)?[^0-9]*$/)) return ""
    text = substr(text, RSTART)
    gsub(/[^0-9.]/, "", text)
    sub(/\.$/, "", text)
    sub(/^0+/, "", text)
    if (text == "" || text ~ /^\./) text = "0" text
    return length(text) <= 15 ? text : ""
  }
  { gsub(/[\t\r\f\033]/, " ") }
  title == "" && /[^ #*]/ { title = $0; gsub(/^[ #*]+|[ *]+$/, "", title) }
  reference == "" && match(tolower($0), /(no\.?|reference) *: *[a-z0-9][a-z0-9\/-]*/) {
    reference = substr($0, RSTART, RLENGTH)
    sub(/^[^:]*: */, "", reference)
  }
  date == "" && match($0, /[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]/) { date = substr($0, RSTART, 10) }
  tolower($0) ~ /^[ *|]*total/ { found = amount($0); if (found != "") total = found }
  END { print shorten(title); print substr(reference, 1, 60); print date; print total }
' <"$TASKMILL_INPUT_PATH")

field() {
  printf '%s\n' "$fields" | sed -n "$1p"
}

# string_or_null TEXT: JSON.
string_or_null() {
  if [ -n "$1" ]; then json_string "$1"; else printf null; fi
}

total=$(field 4)
printf '{"title":%s,"reference":%s,"date":%s,"total":%s}\n' \
  "$(string_or_null "$(field 1)")" "$(string_or_null "$(field 2)")" \
  "$(string_or_null "$(field 3)")" "${total:-null}"
