# Tests a component: what it makes of checks/COMPONENT.in must be checks/COMPONENT.out. What
# passed is noted, so that it is built again only when it has changed.
# Input: component. Output: checks, how many lines were compared.
. ./lib/json.sh
. ./lib/sum.sh

component=$TASKMILL_INPUT_COMPONENT
mkdir -p out/tested
sum=$(sum "$component")

difference=$(awk -f "out/built/$component.awk" "checks/$component.in" | diff "checks/$component.out" -) ||
  fail_for_good CHECK_FAILED "$component: $difference"

printf '%s\n' "$sum" >"out/tested/$component"
printf '{"checks":%d}\n' "$(($(wc -l <"checks/$component.out")))"
