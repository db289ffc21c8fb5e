# Tells sales whom we lost, in a file.
# Input: name, text. Output: none.
. ./lib/json.sh

mkdir -p out
printf '%s: %s\n' "$TASKMILL_INPUT_NAME" "$TASKMILL_INPUT_TEXT" >>out/lost.txt
