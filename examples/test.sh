# Checks the programs of the examples by themselves, without Taskmill: what each answers, and
# with which status it ends. Works on a copy, so that nothing is left behind.
# Run as: sh examples/test.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for example in document-intake order-fulfilment travel-saga nightly-report polling-loop \
  two-providers build-graph customer-onboarding expense-approval; do
  cp -R "$here/$example" "$work"
done
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

# check 'PROGRAM [ARGUMENT]' STATUS OUTPUT [NAME=VALUE…]: runs it in the current example with
# these inputs.
check() {
  program=$1 wanted="$2 $3"
  shift 3
  status=0
  # shellcheck disable=SC2086 # the arguments are to be split
  output=$(
    for input; do export "TASKMILL_INPUT_$input"; done
    set -- $program
    file=bin/$1.sh
    shift
    sh "$file" "$@" </dev/null
  ) || status=$?
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
for copy in ../*/lib/json.sh; do
  expect "$copy, a copy of lib/json.sh" '' "$(diff lib/json.sh "$copy")"
done

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

cd "$work/travel-saga"

check 'book flight' 0 '{"bookingId":"flight-T-1","cents":12900}' TRIP_ID=T-1 OFFER=HAM-LIS QUANTITY=1
check 'book hotel' 0 '{"bookingId":"hotel-T-1","cents":26400}' TRIP_ID=T-1 OFFER=LIS QUANTITY=3
check 'book hotel' 0 '{"bookingId":"hotel-T-1","cents":17600}' TRIP_ID=T-1 OFFER=LIS QUANTITY=2
check 'book car' 65 '{"error":{"code":"FULLY_BOOKED","message":"no car OSL is left","permanent":true}}' TRIP_ID=T-1 OFFER=OSL QUANTITY=4
check 'book car' 65 '{"error":{"code":"NOT_OFFERED","message":"there is no car HAM-LIS","permanent":true}}' TRIP_ID=T-1 OFFER=HAM-LIS QUANTITY=1
expect 'the bookings of a trip' 'flight-T-1 hotel-T-1' "$(echo $(ls out/bookings))"
check cancel 0 '{"bookingId":"hotel-T-1"}' BOOKING_ID=hotel-T-1
check cancel 0 '{"bookingId":"hotel-T-1"}' BOOKING_ID=hotel-T-1
expect 'the bookings after one was cancelled' 'flight-T-1' "$(ls out/bookings)"
check send-itinerary 0 '{"file":"out/T-1.txt"}' TRIP_ID=T-1 TRAVELLER=Zoë 'BOOKINGS=flight-T-1 car-T-1'
expect 'the itinerary' '  car-T-1' "$(sed -n 3p out/T-1.txt)"
check open-ticket 0 '{"ticket":"T-1"}' TRIP_ID=T-1 CODE=FULLY_BOOKED STEP=car 'TEXT=no car %s'
expect 'the ticket' 'no car %s' "$(sed -n 2p out/tickets/T-1.txt)"

cd "$work/nightly-report"

mkdir empty
check list-files 0 '{"files":[]}' FOLDER=empty
check list-files 0 '{"files":["takings/berlin.csv","takings/bremen.csv","takings/hamburg.csv","takings/kiel.csv","takings/leipzig.csv","takings/munich.csv"]}' FOLDER=takings
check list-files 65 '{"error":{"code":"NO_FOLDER","message":"there is no folder nowhere","permanent":true}}' FOLDER=nowhere
printf 'receipt,cents\n' >none.csv
printf 'receipt,cents\n1,20\n2,3' >cut.csv
printf 'shop;cents\n1,20\n' >other.csv
: >empty.csv
check add-up 0 '{"receipts":4,"cents":8495}' FILE=takings/berlin.csv
check add-up 0 '{"receipts":0,"cents":0}' FILE=none.csv
check add-up 65 '{"error":{"code":"FILE_BROKEN","message":"line 3 of takings/leipzig.csv is no receipt","permanent":true}}' FILE=takings/leipzig.csv
check add-up 65 '{"error":{"code":"FILE_BROKEN","message":"line 1 of other.csv is no receipt","permanent":true}}' FILE=other.csv
check add-up 75 '{"error":{"code":"FILE_INCOMPLETE","message":"cut.csv ends within a line"}}' FILE=cut.csv
check add-up 75 '{"error":{"code":"FILE_INCOMPLETE","message":"empty.csv is empty"}}' FILE=empty.csv
check write-report 0 '{"file":"out/takings-2026-01-19.txt","cents":1350}' DAY=2026-01-19 'SHOPS=kiel 2 1250;bremen 1 100' MISSING=takings/leipzig.csv
expect 'the sum in the report' 'all                       3        13.50' "$(sed -n 5p out/takings-2026-01-19.txt)"
expect 'what the report misses' 'Not in here: takings/leipzig.csv' "$(sed -n 7p out/takings-2026-01-19.txt)"
check page-operator 0 '' DAY=2026-01-19 'TEXT=NO_FOLDER: a'
expect 'the page' '2026-01-19 NO_FOLDER: a' "$(cat out/pages.txt)"

cd "$work/polling-loop"

check submit 0 '{"jobId":"J-3745976287"}' VIDEO=harbour.mov FORMAT=webm
check ask 0 '{"state":"RUNNING","percent":40}' JOB_ID=J-3745976287
check ask 0 '{"state":"RUNNING","percent":80}' JOB_ID=J-3745976287
check ask 0 '{"state":"DONE","percent":100}' JOB_ID=J-3745976287
check fetch 0 '{"file":"out/harbour.webm"}' JOB_ID=J-3745976287
expect 'the result of the job' 'harbour.mov as webm' "$(cat out/harbour.webm)"
check submit 0 '{"jobId":"J-1435070625"}' VIDEO=broken.mov FORMAT=webm
check ask 0 '{"state":"FAILED","percent":0}' JOB_ID=J-1435070625
check cancel 0 '' JOB_ID=J-1435070625
check cancel 0 '' JOB_ID=J-1435070625
check ask 65 '{"error":{"code":"NO_SUCH_JOB","message":"there is no job J-1435070625","permanent":true}}' JOB_ID=J-1435070625

cd "$work/two-providers"

check 'rate north' 0 '{"rate":1.0875}' FROM=EUR TO=USD
check 'rate yesterday' 0 '{"rate":171.32}' FROM=EUR TO=JPY
check 'rate north' 75 '{"error":{"code":"PROVIDER_DOWN","message":"north does not answer"}}' FROM=EUR TO=CHF
check 'rate south' 65 '{"error":{"code":"UNKNOWN_PAIR","message":"south has no rate of EUR,XAU","permanent":true}}' FROM=EUR TO=XAU

cd "$work/build-graph"

check find-changes 0 '{"changed":["money","bill","shelf"]}'
check count-lines 0 '{"lines":12}'
for component in money bill shelf; do
  check compile 0 "{\"file\":\"out/built/$component.awk\"}" COMPONENT=$component
done
check test 0 '{"checks":5}' COMPONENT=money
check test 0 '{"checks":3}' COMPONENT=bill
check find-changes 0 '{"changed":["shelf"]}'
check test 0 '{"checks":2}' COMPONENT=shelf
check find-changes 0 '{"changed":[]}'
check package 0 '{"folder":"out/package-1.0.0"}' VERSION=1.0.0
check publish 0 '{"url":"out/registry/1.0.0"}' VERSION=1.0.0 FOLDER=out/package-1.0.0
check publish 0 '{"url":"out/registry/1.0.0"}' VERSION=1.0.0 FOLDER=out/package-1.0.0
echo '{ print "more" }' >>src/shelf/shelf.awk
check find-changes 0 '{"changed":["shelf"]}'
check compile 0 '{"file":"out/built/shelf.awk"}' COMPONENT=shelf
check test 65 '{"error":{"code":"CHECK_FAILED","message":"shelf: 1a2\u000a> more\u000a2a4\u000a> more","permanent":true}}' COMPONENT=shelf
check package 0 '{"folder":"out/package-1.0.0"}' VERSION=1.0.0
check publish 65 '{"error":{"code":"VERSION_EXISTS","message":"1.0.0 was published with other contents","permanent":true}}' VERSION=1.0.0 FOLDER=out/package-1.0.0
echo '}' >>src/money/money.awk
check find-changes 0 '{"changed":["money","bill","shelf"]}'
status=0
TASKMILL_INPUT_COMPONENT=bill sh bin/compile.sh >said || status=$?
expect 'a library that awk refuses' '65 {"error":{"code":"DOES_NOT_COMPILE","message":"bill: ' "$status $(sed 's/bill: .*/bill: /' said)"

cd "$work/customer-onboarding"

check look-up-postcode 0 '{"cities":["Hamburg"]}' POSTCODE=20457
check look-up-postcode 0 '{"cities":["Oranienbaum","Gräfenhainichen"]}' POSTCODE=06785
check look-up-postcode 0 '{"cities":[]}' POSTCODE=99999
check open-account 0 '{"customerId":"C2028220468"}' 'NAME=Zoë Krüger' 'ADDRESS=Hafenstraße 7, 20457 Hamburg'
check open-account 0 '{"customerId":"C2028220468"}' 'NAME=Zoë Krüger' 'ADDRESS=Hafenstraße 7, 20457 Hamburg'
check write-letter 0 '{"file":"out/letters/C2028220468.txt"}' LETTER=welcome CUSTOMER_ID=C2028220468 NAME=Zoë 'ADDRESS=Am Markt 1'
expect 'the lines of a welcome' 4 "$(($(wc -l <out/letters/C2028220468.txt)))"
check write-letter 0 '{"file":"out/letters/C2028220468.txt"}' LETTER=welcome-and-ask CUSTOMER_ID=C2028220468 NAME=Zoë 'ADDRESS=Am Markt 1'
expect 'the lines of a letter that asks' 5 "$(($(wc -l <out/letters/C2028220468.txt)))"
check close-account 0 '' CUSTOMER_ID=C2028220468
check close-account 0 '' CUSTOMER_ID=C2028220468
expect 'the accounts after that' '' "$(ls out/accounts)"
check tell-sales 0 '' NAME=Zoë 'TEXT=ADDRESS_UNKNOWN at check-home'
expect 'what sales learns' 'Zoë: ADDRESS_UNKNOWN at check-home' "$(cat out/lost.txt)"

cd "$work/expense-approval"

check send-mail 0 '' TO=Mia EXPENSE_ID=E-1 'TEXT=48.00 EUR %s'
expect 'the mail' 'To Mia, about E-1: 48.00 EUR %s' "$(cat out/mail/*)"
check pay 0 '{"paymentId":"P-E-1"}' EXPENSE_ID=E-1 EMPLOYEE=Zoë CENTS=4800
check pay 0 '{"paymentId":"P-E-1"}' EXPENSE_ID=E-1 EMPLOYEE=Zoë CENTS=4800
expect 'the payments' E-1 "$(ls out/payments)"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
