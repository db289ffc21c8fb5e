# Tells what a document is by its content, never by its name.
# Input: path. Output: kind (text, image or other), mediaType.
. ./lib/json.sh

path=$TASKMILL_INPUT_PATH

# Bytes that no text has: control characters other than tab, line and page ends, and escape.
foreign_bytes() {
  LC_ALL=C tr -d '\011\012\014\015\033\040-\176\200-\377' <"$path" | wc -c
}

# A table has two lines or more, all with the same number of commas, at least one.
text_type() {
  LC_ALL=C awk -F, '
    NR == 1 && /^#+ / { markdown = 1 }
    NF > 0 { lines++; if (!width) width = NF; if (NF != width) uneven = 1 }
    END {
      if (markdown) print "text/markdown"
      else if (lines > 1 && width > 1 && !uneven) print "text/csv"
      else print "text/plain"
    }' <"$path"
}

magic=$(od -A n -v -t x1 -N 8 <"$path" | tr -d ' \n')
case $magic in
  89504e470d0a1a0a) kind=image type=image/png ;;
  ffd8ff*)          kind=other type=image/jpeg ;;
  25504446*)        kind=other type=application/pdf ;;
  504b0304*)        kind=other type=application/zip ;;
  *)
    if [ "$(foreign_bytes)" -eq 0 ]; then
      kind=text type=$(text_type)
    else
      kind=other type=application/octet-stream
    fi
    ;;
esac
printf '{"kind":"%s","mediaType":"%s"}\n' "$kind" "$type"
