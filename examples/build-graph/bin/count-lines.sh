# Counts the lines of all sources.
# Output: lines.
. ./lib/json.sh

printf '{"lines":%d}\n' "$(($(cat src/*/*.awk | wc -l)))"
