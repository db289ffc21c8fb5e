# Books one of the offers in data/offers.csv (kind, offer, cents a day or seat, pieces left). A
# trip has one booking of a kind, so that an attempt that is repeated books nothing twice.
# Argument: the kind. Input: tripId, offer, quantity. Output: bookingId, cents.
. ./lib/json.sh

kind=$1
id=$kind-$TASKMILL_INPUT_TRIP_ID
mkdir -p out/bookings

offer=$(LC_ALL=C awk -F, -v kind="$kind" -v offer="$TASKMILL_INPUT_OFFER" \
  '$1 == kind && $2 == offer { print $3, $4 }' data/offers.csv)
[ -n "$offer" ] || fail_for_good NOT_OFFERED "there is no $kind $TASKMILL_INPUT_OFFER"
[ "${offer#* }" -gt 0 ] || fail_for_good FULLY_BOOKED "no $kind $TASKMILL_INPUT_OFFER is left"

cents=$((${offer% *} * TASKMILL_INPUT_QUANTITY))
printf '%s,%d\n' "$TASKMILL_INPUT_OFFER" "$cents" >"out/bookings/.$id.$$"
mv "out/bookings/.$id.$$" "out/bookings/$id"
printf '{"bookingId":"%s","cents":%d}\n' "$id" "$cents"
