# Closes an account; one that is closed stays so.
# Input: customerId. Output: none.
. ./lib/json.sh

rm -f "out/accounts/$TASKMILL_INPUT_CUSTOMER_ID"
