# Finds the cities of a postcode in data/postcodes.csv (postcode,city).
# Input: postcode. Output: cities.
. ./lib/json.sh

LC_ALL=C awk -F, -v postcode="$TASKMILL_INPUT_POSTCODE" '
  BEGIN { printf "{\"cities\":[" }
  $1 == postcode { printf "%s\"%s\"", between, $2; between = "," }
  END { print "]}" }
' data/postcodes.csv
