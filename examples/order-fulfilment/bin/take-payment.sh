# Takes the payment for an order: an entry in the ledger, one file an order. An attempt that is
# repeated finds the entry and takes nothing a second time.
# Input: orderId, cents, currency. Output: paymentId, cents.
. ./lib/json.sh

dir=out/ledger
id=P-$TASKMILL_INPUT_ORDER_ID
entry="$TASKMILL_INPUT_CENTS $TASKMILL_INPUT_CURRENCY"
mkdir -p "$dir"

# A link to a finished file appears whole or not at all, and never replaces another.
printf '%s\n' "$entry" >"$dir/.$id.$$"
ln "$dir/.$id.$$" "$dir/$id" 2>/dev/null || :
rm -f "$dir/.$id.$$"

[ -f "$dir/$id" ] || fail_for_now LEDGER_CLOSED "no entry can be made in $dir"
taken=$(cat "$dir/$id")
[ "$taken" = "$entry" ] ||
  fail_for_good PAID_OTHERWISE "order $TASKMILL_INPUT_ORDER_ID was paid with $taken, not $entry"
printf '{"paymentId":"%s","cents":%s}\n' "$id" "$TASKMILL_INPUT_CENTS"
