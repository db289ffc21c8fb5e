# Publishes a package: a folder of the registry, which is never changed again.
# Input: version, folder. Output: url.
. ./lib/json.sh

place=out/registry/$TASKMILL_INPUT_VERSION
mkdir -p out/registry
if [ ! -d "$place" ]; then
  cp -R "$TASKMILL_INPUT_FOLDER" "$place.new"
  mv "$place.new" "$place"
elif ! cmp -s "$TASKMILL_INPUT_FOLDER/CHECKSUMS" "$place/CHECKSUMS"; then
  fail_for_good VERSION_EXISTS "$TASKMILL_INPUT_VERSION was published with other contents"
fi
printf '{"url":"%s"}\n' "$place"
