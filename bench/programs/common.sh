# Sourced by each NAME/run. A row is a folder with a script of two uses:
#   run prepare DIR   makes the fixed input in DIR; nothing to do if it is there already, made by the same files
#   run exec DIR      runs the workload once; BENCH_PRELOAD is the library to preload into the measured program, and only there
#                     (empty or unset: glibc's malloc), BENCH_SCALE scales how often the input is worked on (default 1)
# The script defines prepare and execute, both called in DIR, and ends with `row "$@"`. What a workload prints it compares
# with what the same program printed without preloading: an allocator that spoils data fails, whatever its time.
# Standard output is for lines "metric NAME VALUE UNIT lower|higher" and "pid PID" only.
here=$(dirname "$(readlink -f "$0")")
. "$here/../../../scripts/errors.sh"
export LC_ALL=C.UTF-8 TZ=UTC
# Debian's own programs, also where a PATH puts others first.
PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH

# The words to put before the measured program.
with=(env ${BENCH_PRELOAD:+"LD_PRELOAD=$BENCH_PRELOAD"})

# How many of N repetitions, at least one.
scaled() { awk -v n="$1" -v scale="${BENCH_SCALE:-1}" 'BEGIN { r = int(n * scale + 0.5); print r < 1 ? 1 : r }'; }

# Fails unless each line of the file is the expected line; so the number of repetitions is of no matter.
expect_lines() {
  local file=$1 expected=$2
  if [ "$(sort -u "$file")" = "$expected" ]; then return 0; fi
  echo "$0: unexpected output: $(head -c 300 "$file"), expected only: $expected" >&2
  return 1
}

row() {
  if [ $# != 2 ] || { [ "$1" != prepare ] && [ "$1" != exec ]; }; then
    echo "usage: $0 prepare|exec DIR" >&2
    exit 2
  fi
  local made_by
  if [ "$1" = exec ]; then
    cd "$2"
    execute
    return
  fi
  with=(env)
  mkdir -p "$2"
  cd "$2"
  made_by=$(cat "$here"/* "$here/../common.sh" | sha256sum)
  if [ -f made-by ] && [ "$(cat made-by)" = "$made_by" ]; then return 0; fi
  find . -mindepth 1 -delete
  prepare
  echo "$made_by" >made-by
}
