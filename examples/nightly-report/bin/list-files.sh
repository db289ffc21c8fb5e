# Lists the CSV files of a folder, in the order of their names.
# Input: folder. Output: files.
. ./lib/json.sh

folder=$TASKMILL_INPUT_FOLDER
[ -d "$folder" ] || fail_for_good NO_FOLDER "there is no folder $folder"

printf '{"files":['
between=
for file in "$folder"/*.csv; do
  [ -f "$file" ] || continue
  printf '%s%s' "$between" "$(json_string "$file")"
  between=,
done
printf ']}\n'
