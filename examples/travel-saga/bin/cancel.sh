# Gives a booking back. One that is gone is cancelled already: to repeat this does no harm.
# Input: bookingId. Output: bookingId.
. ./lib/json.sh

rm -f "out/bookings/$TASKMILL_INPUT_BOOKING_ID"
printf '{"bookingId":"%s"}\n' "$TASKMILL_INPUT_BOOKING_ID"
