# shellcheck shell=bash
# Ends a script at its first failing command and says which: file, line, command and exit status. To be sourced first by
# bash scripts; it sets the shell's options, so those scripts set none of their own.
# A command substitution stops at its first failing command too, and then the command around it reports as well.
set -Eeuo pipefail
shopt -s inherit_errexit
trap 'echo "${BASH_SOURCE[0]-$0}:$LINENO: exit status $? of: $BASH_COMMAND" >&2' ERR
