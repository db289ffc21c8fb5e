# Reads the size of a PNG image from its header.
# Input: path. Output: width and height in pixels, bitDepth.
. ./lib/json.sh

path=$TASKMILL_INPUT_PATH

# The header is the first chunk: its name in bytes 12 to 15, its fields after that.
chunk=$(od -A n -v -t x1 -j 12 -N 4 <"$path" 2>/dev/null | tr -d ' \n')
header=$(od -A n -v -t u1 -j 16 -N 9 <"$path" 2>/dev/null | tr '\n' ' ')
# shellcheck disable=SC2086 # the bytes are to be split
set -- $header
if [ "$chunk" != 49484452 ] || [ $# -ne 9 ]; then
  fail_for_good IMAGE_BROKEN "the file $path has no complete PNG header"
fi

width=$(($1 * 16777216 + $2 * 65536 + $3 * 256 + $4))
height=$(($5 * 16777216 + $6 * 65536 + $7 * 256 + $8))
printf '{"width":%d,"height":%d,"bitDepth":%d}\n' "$width" "$height" "$9"
