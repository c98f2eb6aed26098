# shellcheck shell=bash
# Ends a script at its first failing command and says which: file, line, command and exit status. To be sourced first by
# bash scripts; it sets the shell's options, so those scripts set none of their own. A script of this folder that is asked for
# --help prints the comment at its head.
# A command substitution stops at its first failing command too, and then the enclosing command reports as well.
set -Eeuo pipefail
shopt -s inherit_errexit
trap 'echo "${BASH_SOURCE[0]-$0}:$LINENO: exit status $? of: $BASH_COMMAND" >&2' ERR

# Sourced without arguments of its own, so that "$1" is the script's.
case ${1-} in
  -h | --help)
    script=$(dirname "${BASH_SOURCE[0]}")/${0##*/}
    if [ -f "$script" ]; then
      sed -n '/^# shellcheck/d; 2,/^[^#]/s/^# \{0,1\}//p' "$script"
      exit 0
    fi
    ;;
esac
