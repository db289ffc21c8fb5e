# Finds the components that differ from what passed its tests last.
# Output: changed.
. ./lib/json.sh
. ./lib/sum.sh

printf '{"changed":['
between=
for component in money bill shelf; do
  if [ "$(sum "$component")" != "$(cat "out/tested/$component" 2>/dev/null)" ]; then
    printf '%s"%s"' "$between" "$component"
    between=,
  fi
done
printf ']}\n'
