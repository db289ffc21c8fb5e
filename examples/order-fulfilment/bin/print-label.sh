# Prints the label of a parcel into a file. The parcel's number derives from the order, so that
# an attempt that is repeated prints the same label.
# Input: orderId, carrier, name, street, city, country. Output: parcelNumber, file.
. ./lib/json.sh

dir=out/labels
file=$dir/$TASKMILL_INPUT_ORDER_ID.txt
mkdir -p "$dir"

sum=$(printf '%s' "$TASKMILL_INPUT_ORDER_ID" | cksum)
number=$(printf 'TM%010d' "${sum%% *}")

{
  printf '%s\n' '----------------------------------------'
  printf '  %s\n' "$TASKMILL_INPUT_CARRIER" '' "$TASKMILL_INPUT_NAME" "$TASKMILL_INPUT_STREET" \
    "$TASKMILL_INPUT_CITY" "$TASKMILL_INPUT_COUNTRY" '' "Parcel $number"
  printf '%s\n' '----------------------------------------'
} >"$dir/.label.$$"
mv "$dir/.label.$$" "$file"
printf '{"parcelNumber":"%s","file":%s}\n' "$number" "$(json_string "$file")"
