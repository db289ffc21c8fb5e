# Answers in JSON, from POSIX sh, od and awk alone. Sourced by the programs in bin/.
# Each example has its own copy, so that its folder can be copied and run by itself.

set -eu

# json_string TEXT: the text as a JSON string. All but printable ASCII is escaped, so that the
# answer is the same in every locale; bytes that are no UTF-8 become U+FFFD.
json_string() {
  printf '"'
  printf '%s' "$1" | od -A n -v -t u1 | LC_ALL=C awk '
    function escape(code) {
      if (code <= 65535) { printf "\\u%04x", code; return }
      code -= 65536
      printf "\\u%04x\\u%04x", 55296 + int(code / 1024), 56320 + code % 1024
    }
    # How many bytes follow the first byte of a character; 0 when it cannot be a first byte.
    function following(first) {
      return first < 194 ? 0 : first < 224 ? 1 : first < 240 ? 2 : first < 245 ? 3 : 0
    }
    # The character at a place, or -1.
    function decode(at, more,   k, code) {
      if (more == 0) return -1
      code = byte[at] % (more == 1 ? 32 : more == 2 ? 16 : 8)
      for (k = 1; k <= more; k++) {
        if (at + k >= n || byte[at + k] < 128 || byte[at + k] > 191) return -1
        code = code * 64 + byte[at + k] % 64
      }
      if (more == 2 && (code < 2048 || (code >= 55296 && code <= 57343))) return -1
      if (more == 3 && (code < 65536 || code > 1114111)) return -1
      return code
    }
    { for (i = 1; i <= NF; i++) byte[n++] = $i + 0 }
    END {
      for (i = 0; i < n; i++) {
        b = byte[i]
        if (b == 34 || b == 92) printf "\\%c", b
        else if (b >= 32 && b < 127) printf "%c", b
        else if (b < 128) escape(b)
        else {
          more = following(b)
          code = decode(i, more)
          if (code < 0) escape(65533)
          else { escape(code); i += more }
        }
      }
    }'
  printf '"'
}

# fail_for_now CODE MESSAGE: another attempt may do better. 75 is EX_TEMPFAIL of sysexits.h.
fail_for_now() {
  printf '{"error":{"code":"%s","message":%s}}\n' "$1" "$(json_string "$2")"
  exit 75
}

# fail_for_good CODE MESSAGE: no other attempt would do better. 65 is EX_DATAERR.
fail_for_good() {
  printf '{"error":{"code":"%s","message":%s,"permanent":true}}\n' "$1" "$(json_string "$2")"
  exit 65
}
