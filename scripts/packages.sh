# shellcheck shell=bash
# Installs missing Debian packages. All scripts that need packages source this file, after errors.sh.

# Prints the packages that list files name, one per line. In the files # starts a comment.
packages_in() {
  local file
  for file in "$@"; do
    if [ -f "$file" ]; then sed -e 's/#.*//' "$file"; fi
  done | tr -s ' \t' '\n\n' | sed '/^$/d' | sort -u
}

# Installs the packages that are missing. Prints nothing if none is.
need_packages() {
  local missing=() package as_root=() log
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "$0: no apt-get here; assuming that these are present: $*" >&2
    return 0
  fi
  local installed
  # dpkg-query fails if it does not know one of the packages, but still lists the others.
  installed=$({ dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null || true; } | sed -n 's/^.i *//p')
  for package in "$@"; do
    if ! grep -qxF -- "$package" <<<"$installed"; then missing+=("$package"); fi
  done
  if [ ${#missing[@]} = 0 ]; then return 0; fi

  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "$0: needs these packages and can install them as root only: ${missing[*]}" >&2
      echo "$0: as root, run: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "$0: installing ${missing[*]}" >&2
  log=$(mktemp)
  # RUNLEVEL=1: a server that a test needs is installed, but not started as a service of the machine.
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y -o DPkg::Lock::Timeout=600)
  # The package lists may be absent or too old to install from: then fetch them and try once more.
  if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
    if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
      cat "$log" >&2
      rm -f "$log"
      echo "$0: could not install ${missing[*]}" >&2
      return 1
    fi
  fi
  rm -f "$log"
}
