# Checks the programs of the examples by themselves, without Taskmill: what each answers, and
# with which status it ends. Works on a copy, so that nothing is left behind.
# Run as: sh examples/test.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$here/document-intake" "$here/order-fulfilment" "$work"
rm -rf "$work"/*/out
passed=0
failed=0

# expect WHAT WANTED FOUND
expect() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n  wanted: %s\n  found:  %s\n' "$1" "$2" "$3"
  fi
}

# check PROGRAM STATUS OUTPUT [NAME=VALUE…]: runs it in the current example with these inputs.
check() {
  program=$1 wanted="$2 $3"
  shift 3
  status=0
  output=$(for input; do export "TASKMILL_INPUT_$input"; done; sh "bin/$program.sh" </dev/null) || status=$?
  expect "$program $*" "$wanted" "$status $output"
}

# string TEXT JSON: the text, with printf's escapes, as a JSON string.
string() {
  expect "json_string $1" "$2" "$(. ./lib/json.sh && json_string "$(printf "$1")")"
}

cd "$work/document-intake"

string '' '""'
string 'a "b" \\\\ /' '"a \"b\" \\\\ /"'
string '\001\t-\n-\177' '"\u0001\u0009-\u000a-\u007f"'
string '\303\251 \342\202\254 \360\237\230\200' '"\u00e9 \u20ac \ud83d\ude00"'
string 'cut \342\202' '"cut \ufffd\ufffd"'
string 'overlong \300\257' '"overlong \ufffd\ufffd"'
string 'surrogate \355\240\200' '"surrogate \ufffd\ufffd\ufffd"'
string 'beyond \364\220\200\200' '"beyond \ufffd\ufffd\ufffd\ufffd"'
expect 'both copies of lib/json.sh' '' "$(diff lib/json.sh ../order-fulfilment/lib/json.sh)"

: >empty
printf 'a\000b' >zero
printf '\211PNG\r\n\032\n\000' >broken.png
printf 'sku,pieces\nA,1\nB,2\n' >table.txt
printf '%%PDF-1.7\n' >print.pdf
printf '\n## A *fine* "day" **\nReference: x/7\n2026-02-03 and 2026-03-04\n| Total | 0,012.50 EUR |\n' >note
printf 'Total 99999999999999999999\n' >huge
invoice=documents/invoice-2026-0117.txt

check receive 0 "{\"path\":\"$invoice\",\"name\":\"invoice-2026-0117.txt\",\"bytes\":930}" PATH=$invoice
check receive 65 '{"error":{"code":"DOCUMENT_NOT_FOUND","message":"there is no file \"a b\"","permanent":true}}' 'PATH="a b"'
check receive 65 '{"error":{"code":"DOCUMENT_NOT_FOUND","message":"there is no file documents","permanent":true}}' PATH=documents
check receive 65 '{"error":{"code":"DOCUMENT_EMPTY","message":"the file empty is empty","permanent":true}}' PATH=empty
check detect-type 0 '{"kind":"text","mediaType":"text/plain"}' PATH=$invoice
check detect-type 0 '{"kind":"text","mediaType":"text/markdown"}' PATH=documents/framework-contract.md
check detect-type 0 '{"kind":"text","mediaType":"text/csv"}' PATH=table.txt
check detect-type 0 '{"kind":"image","mediaType":"image/png"}' PATH=documents/receipt-scan.png
check detect-type 0 '{"kind":"other","mediaType":"application/pdf"}' PATH=print.pdf
check detect-type 0 '{"kind":"other","mediaType":"application/octet-stream"}' PATH=zero
check checksum 0 '{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}' PATH=empty
check count-words 0 '{"words":86,"lines":19}' PATH=$invoice
check extract-fields 0 '{"title":"Invoice of M\u00fcller & S\u00f6hne Papierwaren","reference":"INV-2026-0117","date":"2026-01-19","total":1272.11}' PATH=$invoice
check extract-fields 0 '{"title":"A *fine* \"day\"","reference":"x/7","date":"2026-02-03","total":12.50}' PATH=note
check extract-fields 0 '{"title":"Total 99999999999999999999","reference":null,"date":null,"total":null}' PATH=huge
check extract-fields 0 '{"title":null,"reference":null,"date":null,"total":null}' PATH=empty
check measure-image 0 '{"width":96,"height":48,"bitDepth":8}' PATH=documents/receipt-scan.png
check measure-image 65 '{"error":{"code":"IMAGE_BROKEN","message":"the file broken.png has no complete PNG header","permanent":true}}' PATH=broken.png

entry() {
  printf '{"id":"doc-%s","n":%s}' "$1" "$2"
}
check write-index 0 '{"file":"out/index.jsonl","entries":1}' OUT_DIR=out ID=doc-2 "ENTRY=$(entry 2 1)"
check write-index 0 '{"file":"out/index.jsonl","entries":2}' OUT_DIR=out ID=doc-1 "ENTRY=$(entry 1 1)"
check write-index 0 '{"file":"out/index.jsonl","entries":2}' OUT_DIR=out ID=doc-2 "ENTRY=$(entry 2 2)"
echo $$ >out/index.lock
check write-index 75 "{\"error\":{\"code\":\"INDEX_LOCKED\",\"message\":\"process $$ holds out/index.lock\"}}" OUT_DIR=out ID=doc-3 ENTRY=3
check start-reindex 0 '{"started":false}' OUT_DIR=out
sh -c 'echo $$' >out/index.lock # of a process that is gone
check write-index 0 '{"file":"out/index.jsonl","entries":2}' OUT_DIR=out ID=doc-2 "ENTRY=$(entry 2 3)"
mkfifo gate
# The indexer waits as long as its sleep says; this one waits for the gate.
printf '#!/bin/sh\nread -r line <gate\n' >./sleep
chmod +x ./sleep
export PATH="$work/document-intake:$PATH" REINDEX_SECONDS=0
check start-reindex 0 '{"started":true}' OUT_DIR=out
holder=$(cat out/index.lock)
check write-index 75 "{\"error\":{\"code\":\"INDEX_LOCKED\",\"message\":\"process $holder holds out/index.lock\"}}" OUT_DIR=out ID=doc-3 ENTRY=3
echo open >gate
while [ -e out/index.lock ]; do :; done
expect 'the index after the indexer' "$(entry 1 1) $(entry 2 3)" "$(tr '\n' ' ' <out/index.jsonl | sed 's/ $//')"

cd "$work/order-fulfilment"

check price-order 0 '{"items":[{"sku":"MUG-BLUE","quantity":2,"cents":2300},{"sku":"STRAINER","quantity":1,"cents":495}],"net":2795,"tax":531,"total":3326}' 'LINES=MUG-BLUE 2;STRAINER 1' TAX_PERCENT=19
check price-order 65 '{"error":{"code":"UNKNOWN_SKU","message":"there is no price for SPOON, FORK","permanent":true}}' 'LINES=SPOON 2;STRAINER 1;FORK 1' TAX_PERCENT=19
check reserve-stock 0 '{"reservationId":"R-O-1","file":"out/reservations/R-O-1.csv"}' ORDER_ID=O-1 'LINES=POT-IRON-08 2;MUG-BLUE 1'
check reserve-stock 0 '{"reservationId":"R-O-1","file":"out/reservations/R-O-1.csv"}' ORDER_ID=O-1 'LINES=POT-IRON-08 2;MUG-BLUE 1'
check reserve-stock 65 '{"error":{"code":"OUT_OF_STOCK","message":"POT-IRON-08: 2 wanted, 1 left","permanent":true}}' ORDER_ID=O-2 'LINES=POT-IRON-08 1;POT-IRON-08 1'
check reserve-stock 0 '{"reservationId":"R-O-3","file":"out/reservations/R-O-3.csv"}' ORDER_ID=O-3 'LINES=POT-IRON-08 1'
check take-payment 0 '{"paymentId":"P-O-1","cents":500}' ORDER_ID=O-1 CENTS=500 CURRENCY=EUR
check take-payment 0 '{"paymentId":"P-O-1","cents":500}' ORDER_ID=O-1 CENTS=500 CURRENCY=EUR
check take-payment 65 '{"error":{"code":"PAID_OTHERWISE","message":"order O-1 was paid with 500 EUR, not 501 EUR","permanent":true}}' ORDER_ID=O-1 CENTS=501 CURRENCY=EUR
check print-label 0 '{"parcelNumber":"TM1235039689","file":"out/labels/O-1042.txt"}' ORDER_ID=O-1042 CARRIER=Post 'NAME=Zoë "Z" %s' 'STREET=Hafenstraße 7' CITY=Hamburg COUNTRY=GERMANY
expect 'the name on the label' '  Zoë "Z" %s' "$(sed -n 4p out/labels/O-1042.txt)"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
