# Writes a letter to a customer.
# Input: letter (welcome or welcome-and-ask), customerId, name, address. Output: file.
. ./lib/json.sh

file=out/letters/$TASKMILL_INPUT_CUSTOMER_ID.txt
mkdir -p out/letters
{
  printf '%s\n%s\n\n' "$TASKMILL_INPUT_NAME" "$TASKMILL_INPUT_ADDRESS"
  printf 'Welcome! Your number is %s.\n' "$TASKMILL_INPUT_CUSTOMER_ID"
  if [ "$TASKMILL_INPUT_LETTER" = welcome-and-ask ]; then
    printf 'We could not find your delivery address. Please tell us again.\n'
  fi
} >"$file"
printf '{"file":"%s"}\n' "$file"
