# Counts the words and lines of a text.
# Input: path. Output: words, lines.
. ./lib/json.sh

path=$TASKMILL_INPUT_PATH
words=$(wc -w <"$path")
lines=$(wc -l <"$path")
printf '{"words":%d,"lines":%d}\n' "$((words))" "$((lines))"
