# Tells support what went wrong, in a file; a trip has one ticket.
# Input: tripId, code, step, text. Output: ticket.
. ./lib/json.sh

mkdir -p out/tickets
printf '%s at %s\n%s\n' "$TASKMILL_INPUT_CODE" "$TASKMILL_INPUT_STEP" "$TASKMILL_INPUT_TEXT" \
  >"out/tickets/$TASKMILL_INPUT_TRIP_ID.txt"
printf '{"ticket":"%s"}\n' "$TASKMILL_INPUT_TRIP_ID"
