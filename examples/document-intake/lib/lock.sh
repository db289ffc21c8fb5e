# A lock that several processes share: a file that holds the process id of its holder.
# Sourced by the programs that change the index.

# lock_take FILE: takes the lock for this process; status 1 when another has it.
lock_take() {
  lock_clear "$1"
  # noclobber creates the file or fails, in one step.
  (set -C && printf '%s\n' "$$" >"$1") 2>/dev/null
}

# lock_holder FILE: the process that has the lock; nothing when it was released meanwhile.
lock_holder() {
  { cat <"$1" || :; } 2>/dev/null
}

# lock_clear FILE: removes the lock of a process that died with it. Only one process at a time
# does so, and it looks again first: the lock may be another's by then.
lock_clear() {
  dead=$(lock_holder "$1")
  [ -n "$dead" ] || return 0
  if kill -0 "$dead" 2>/dev/null; then return 0; fi
  mkdir "$1.clearing" 2>/dev/null || return 0
  if [ "$(lock_holder "$1")" = "$dead" ]; then rm -f "$1"; fi
  rmdir "$1.clearing"
}
