# Stands for the pager of whoever is on call: a line in a file.
# Input: day, text. Output: none.
. ./lib/json.sh

mkdir -p out
printf '%s %s\n' "$TASKMILL_INPUT_DAY" "$TASKMILL_INPUT_TEXT" >>out/pages.txt
