# Tells an exchange rate: a line of rates/PROVIDER.csv (from,to,rate). A rate of "down" stands for
# a provider that does not answer.
# Argument: the provider. Environment: SECONDS_TO_ANSWER, 0 by default. Input: from, to.
# Output: rate.
. ./lib/json.sh

pair=$TASKMILL_INPUT_FROM,$TASKMILL_INPUT_TO
[ "${SECONDS_TO_ANSWER:-0}" -eq 0 ] || sleep "$SECONDS_TO_ANSWER"

rate=$(sed -n "s/^$pair,//p" "rates/$1.csv")
case $rate in
  '')   fail_for_good UNKNOWN_PAIR "$1 has no rate of $pair" ;;
  down) fail_for_now PROVIDER_DOWN "$1 does not answer" ;;
  *)    printf '{"rate":%s}\n' "$rate" ;;
esac
