# Writes the entry of a document into the shared index, in place of an older one. The index has
# one line a document. While another process has it, this one fails, to be tried again.
# Input: outDir, id, entry (one line of JSON). Output: file (that of the index), entries.
. ./lib/json.sh
. ./lib/lock.sh

dir=$TASKMILL_INPUT_OUT_DIR
index=$dir/index.jsonl
lock=$dir/index.lock
mkdir -p "$dir"

if ! lock_take "$lock"; then
  holder=$(lock_holder "$lock")
  fail_for_now INDEX_LOCKED "process ${holder:-unknown} holds $lock"
fi
trap 'rm -f "$lock"' EXIT
trap 'exit 143' HUP INT TERM

touch "$index"
{
  # Status 1 is grep's word for nothing left; more than that is trouble.
  grep -v -F "\"id\":\"$TASKMILL_INPUT_ID\"" "$index" || [ $? -eq 1 ]
  printf '%s\n' "$TASKMILL_INPUT_ENTRY"
} >"$index.new"
mv "$index.new" "$index"

entries=$(wc -l <"$index")
printf '{"file":%s,"entries":%d}\n' "$(json_string "$index")" "$((entries))"
