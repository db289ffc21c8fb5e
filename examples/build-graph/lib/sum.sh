# sum COMPONENT: the checksum of all that makes a component: the library, its own sources, and
# what it is tested with. So a change of the library changes everything.
sum() {
  if [ "$1" = money ]; then
    cat src/money/* checks/money.*
  else
    cat src/money/* "src/$1"/* "checks/$1".*
  fi | cksum
}
