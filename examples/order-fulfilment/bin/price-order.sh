# Computes what an order costs, in cents, from data/prices.csv (sku,cents).
# Input: lines ("SKU QUANTITY;SKU QUANTITY…"), taxPercent. Output: items, net, tax, total.
. ./lib/json.sh

# Writes the answer, or the skus that have no price and status 3.
status=0
answer=$(printf '%s\n' "$TASKMILL_INPUT_LINES" | tr ';' '\n' |
  LC_ALL=C awk -v percent="$TASKMILL_INPUT_TAX_PERCENT" '
    NR == FNR { split($0, field, ","); price[field[1]] = field[2]; next }
    !($1 in price) { unknown = unknown (unknown == "" ? "" : ", ") $1; next }
    {
      cents = price[$1] * $2
      net += cents
      items = items (items == "" ? "" : ",") \
        sprintf("{\"sku\":\"%s\",\"quantity\":%d,\"cents\":%.0f}", $1, $2, cents)
    }
    END {
      if (unknown != "") { print unknown; exit 3 }
      # Half a cent goes up.
      tax = int(net * percent / 100 + 0.5)
      printf "{\"items\":[%s],\"net\":%.0f,\"tax\":%.0f,\"total\":%.0f}\n", items, net, tax, net + tax
    }' data/prices.csv -) || status=$?
case $status in
  0) printf '%s\n' "$answer" ;;
  3) fail_for_good UNKNOWN_SKU "there is no price for $answer" ;;
  *) fail_for_now PRICES_NOT_READ "data/prices.csv could not be read" ;;
esac
