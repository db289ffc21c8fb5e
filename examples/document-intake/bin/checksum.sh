# Computes the SHA-256 of a document.
# Input: path. Output: sha256, in lower-case hexadecimal.
. ./lib/json.sh

path=$TASKMILL_INPUT_PATH
if command -v sha256sum >/dev/null 2>&1; then
  line=$(sha256sum <"$path")
else
  line=$(shasum -a 256 <"$path")
fi
printf '{"sha256":"%s"}\n' "${line%% *}"
