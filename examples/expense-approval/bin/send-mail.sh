# Stands for a mail server: a line in the file of the receiver.
# Input: to, expenseId, text. Output: none.
. ./lib/json.sh

mkdir -p out/mail
sum=$(printf '%s' "$TASKMILL_INPUT_TO" | cksum)
printf 'To %s, about %s: %s\n' "$TASKMILL_INPUT_TO" "$TASKMILL_INPUT_EXPENSE_ID" "$TASKMILL_INPUT_TEXT" \
  >>"out/mail/${sum%% *}.txt"
