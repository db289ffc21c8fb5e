# Takes a document in: it must be there, be readable and have content.
# Input: path. Output: path, name, bytes.
. ./lib/json.sh

path=$TASKMILL_INPUT_PATH
[ -f "$path" ] || fail_for_good DOCUMENT_NOT_FOUND "there is no file $path"
[ -r "$path" ] || fail_for_good DOCUMENT_NOT_READABLE "the file $path may not be read"
[ -s "$path" ] || fail_for_good DOCUMENT_EMPTY "the file $path is empty"

# Arithmetic drops the blanks that some systems put before a count.
bytes=$(($(wc -c <"$path")))
printf '{"path":%s,"name":%s,"bytes":%d}\n' \
  "$(json_string "$path")" "$(json_string "${path##*/}")" "$bytes"
