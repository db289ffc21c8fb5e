# A bill of lines "ARTICLE QUANTITY CENTS".
{ printf "%-12s %3d x %10s\n", $1, $2, money($3); sum += $2 * $3 }
END { printf "%-12s %16s\n", "to pay", money(sum) }
