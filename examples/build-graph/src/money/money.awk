# Whole cents as an amount, with thousands separators: 123456 is 1,234.56.
function money(cents,   whole, text) {
  whole = int(cents / 100)
  text = sprintf(".%02d", cents % 100)
  for (; whole >= 1000; whole = int(whole / 1000)) text = sprintf(",%03d", whole % 1000) text
  return whole text
}
