# Writes the report of a day; to write it again replaces it.
# Input: day, shops ("SHOP RECEIPTS CENTS;…"), missing (files, separated by ";"). Output: file, cents.
. ./lib/json.sh

file=out/takings-$TASKMILL_INPUT_DAY.txt
mkdir -p out
printf '%s\n' "$TASKMILL_INPUT_SHOPS" | tr ';' '\n' |
  LC_ALL=C awk -v day="$TASKMILL_INPUT_DAY" -v missing="$TASKMILL_INPUT_MISSING" '
    BEGIN { print "Takings of " day; print "" }
    { printf "%-20s %6d %12.2f\n", $1, $2, $3 / 100; receipts += $2; cents += $3 }
    END {
      printf "%-20s %6d %12.2f\n", "all", receipts, cents / 100
      if (missing != "") print "\nNot in here: " missing
    }' >"$file.new"
mv "$file.new" "$file"

cents=$(printf '%s\n' "$TASKMILL_INPUT_SHOPS" | tr ';' '\n' | awk '{ cents += $3 } END { printf "%d", cents }')
printf '{"file":"%s","cents":%d}\n' "$file" "$cents"
