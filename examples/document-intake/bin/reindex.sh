# The nightly indexer: sorts the index while it keeps everybody else out. It says "locked" or
# "taken", closes its output and goes on by itself.
# Arguments: the folder of the index. Environment: REINDEX_SECONDS, how long it takes; a real
# archive is larger than this one.
. ./lib/json.sh
. ./lib/lock.sh

index=$1/index.jsonl
lock=$1/index.lock
trap '' HUP
trap 'exit 143' INT TERM

if ! lock_take "$lock"; then
  echo taken
  exit 0
fi
trap 'rm -f "$lock"' EXIT
echo locked
exec >>"$1/reindex.log" 2>&1

sleep "$REINDEX_SECONDS"
if [ -f "$index" ]; then
  LC_ALL=C sort "$index" >"$index.new"
  mv "$index.new" "$index"
fi
echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) reindexed"
