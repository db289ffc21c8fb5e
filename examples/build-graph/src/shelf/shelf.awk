# A price tag for each line "ARTICLE CENTS".
{ print "[ " $1 ": " money($2) " ]" }
