# shellcheck shell=bash
# Ends a script at its first failing command and prints the file, line, command and exit status. Bash scripts source this file
# first. It sets the shell's options, so those scripts set none of their own. With --help, a script of this folder prints the
# comment at its head.
# A command substitution also stops at its first failing command. The enclosing command then reports an error too.
set -Eeuo pipefail
shopt -s inherit_errexit
trap 'echo "${BASH_SOURCE[0]-$0}:$LINENO: exit status $? of: $BASH_COMMAND" >&2' ERR

# This file is sourced without arguments, so "$1" is the script's.
case ${1-} in
  -h | --help)
    script=$(dirname "${BASH_SOURCE[0]}")/${0##*/}
    if [ -f "$script" ]; then
      sed -n '/^# shellcheck/d; 2,/^[^#]/s/^# \{0,1\}//p' "$script"
      exit 0
    fi
    ;;
esac
