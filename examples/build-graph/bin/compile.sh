# Compiles a component: the library and the component in one program, which awk must accept.
# Input: component. Output: file.
. ./lib/json.sh

component=$TASKMILL_INPUT_COMPONENT
file=out/built/$component.awk
mkdir -p out/built

# The library by itself becomes a program that writes amounts.
if [ "$component" = money ]; then
  { cat src/money/money.awk; echo '{ print money($1) }'; } >"$file.new"
else
  cat src/money/money.awk "src/$component"/*.awk >"$file.new"
fi
said=$(awk -f "$file.new" </dev/null 2>&1 >/dev/null) || fail_for_good DOES_NOT_COMPILE "$component: $said"
mv "$file.new" "$file"
printf '{"file":"%s"}\n' "$file"
