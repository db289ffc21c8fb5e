# Adds up the receipts of a shop: a file with the heading "receipt,cents" and a line a receipt.
# A file whose last line has no end is still being written.
# Input: file. Output: receipts, cents.
. ./lib/json.sh

file=$TASKMILL_INPUT_FILE
[ -s "$file" ] || fail_for_now FILE_INCOMPLETE "$file is empty"
[ -z "$(tail -c 1 "$file")" ] || fail_for_now FILE_INCOMPLETE "$file ends within a line"

sums=$(LC_ALL=C awk -F, '
  (NR == 1 && $0 != "receipt,cents") || (NR > 1 && (NF != 2 || $2 !~ /^[0-9]+$/)) { broken = NR; exit }
  NR > 1 { receipts++; cents += $2 }
  END { if (broken) print broken; else printf "%d %d\n", receipts, cents }
' "$file")
case $sums in
  *' '*) printf '{"receipts":%d,"cents":%d}\n' "${sums% *}" "${sums#* }" ;;
  *)     fail_for_good FILE_BROKEN "line $sums of $file is no receipt" ;;
esac
