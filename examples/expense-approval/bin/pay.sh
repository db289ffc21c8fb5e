# Pays an expense, once: a payment is a file named after it.
# Input: expenseId, employee, cents. Output: paymentId.
. ./lib/json.sh

mkdir -p out/payments
printf '%s %d\n' "$TASKMILL_INPUT_EMPLOYEE" "$TASKMILL_INPUT_CENTS" >"out/payments/$TASKMILL_INPUT_EXPENSE_ID"
printf '{"paymentId":"P-%s"}\n' "$TASKMILL_INPUT_EXPENSE_ID"
