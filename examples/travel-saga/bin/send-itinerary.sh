# Writes what the traveller is sent.
# Input: tripId, traveller, bookings (separated by blanks). Output: file.
. ./lib/json.sh

file=out/$TASKMILL_INPUT_TRIP_ID.txt
mkdir -p out
{
  printf 'Dear %s, your trip %s is booked:\n' "$TASKMILL_INPUT_TRAVELLER" "$TASKMILL_INPUT_TRIP_ID"
  printf '%s\n' "$TASKMILL_INPUT_BOOKINGS" | tr ' ' '\n' | sed 's/^/  /'
} >"$file"
printf '{"file":"%s"}\n' "$file"
