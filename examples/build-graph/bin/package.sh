# Puts the programs into a folder, with a list of their checksums.
# Input: version. Output: folder.
. ./lib/json.sh

folder=out/package-$TASKMILL_INPUT_VERSION
rm -rf "$folder"
mkdir -p "$folder"
cp out/built/bill.awk out/built/shelf.awk "$folder"
(cd "$folder" && cksum bill.awk shelf.awk >CHECKSUMS)
printf '{"folder":"%s"}\n' "$folder"
