# Opens an account: a file named after the customer, so that a repeated attempt opens no second.
# Input: name, address. Output: customerId.
. ./lib/json.sh

sum=$(printf '%s' "$TASKMILL_INPUT_NAME, $TASKMILL_INPUT_ADDRESS" | cksum)
id=$(printf 'C%010d' "${sum%% *}")
mkdir -p out/accounts
printf '%s\n%s\n' "$TASKMILL_INPUT_NAME" "$TASKMILL_INPUT_ADDRESS" >"out/accounts/$id"
printf '{"customerId":"%s"}\n' "$id"
