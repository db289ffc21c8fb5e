# Reserves an order's goods: out of data/stock.csv (sku,pieces), less what others reserved.
# A reservation is a file of lines sku,pieces; to reserve again replaces it.
# Input: orderId, lines ("SKU QUANTITY;SKU QUANTITY…"). Output: reservationId, file.
. ./lib/json.sh

dir=out/reservations
id=R-$TASKMILL_INPUT_ORDER_ID
file=$dir/$id.csv
mkdir -p "$dir"

# First say what is wanted, then look whether it is there. Of two orders that want the last
# piece at once both may be refused, but never are both served.
printf '%s\n' "$TASKMILL_INPUT_LINES" | tr '; ' '\n,' >"$dir/.$id.$$"
mv "$dir/.$id.$$" "$file"

short=$(LC_ALL=C awk -F, -v own="$file" '
  NR == FNR { left[$1] = $2; next }
  { left[$1] -= $2 }
  FILENAME == own { wanted[$1] += $2 }
  END {
    for (sku in wanted) if (left[sku] < 0)
      printf "%s: %d wanted, %d left; ", sku, wanted[sku], left[sku] + wanted[sku]
  }' data/stock.csv "$dir"/*.csv)
if [ -n "$short" ]; then
  rm -f "$file"
  fail_for_good OUT_OF_STOCK "${short%; }"
fi
printf '{"reservationId":"%s","file":"%s"}\n' "$id" "$file"
