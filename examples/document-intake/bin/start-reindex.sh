# Starts the nightly indexer beside the workflow and answers as soon as it has the index.
# Input: outDir. Environment: REINDEX_SECONDS. Output: started; false when the index is taken.
. ./lib/json.sh

mkdir -p "$TASKMILL_INPUT_OUT_DIR"

# The indexer outlives this task. Where there is setsid it gets a session of its own.
detached() {
  if command -v setsid >/dev/null 2>&1; then exec setsid "$@"; else exec "$@"; fi
}

# This waits for the end of the indexer's output, not of the indexer: it closes its output when
# it knows whether it has the lock.
answer=$(detached sh bin/reindex.sh "$TASKMILL_INPUT_OUT_DIR" </dev/null 2>/dev/null &)
case $answer in
  locked) printf '{"started":true}\n' ;;
  taken)  printf '{"started":false}\n' ;;
  *)      fail_for_now REINDEX_NOT_STARTED "the indexer did not start" ;;
esac
