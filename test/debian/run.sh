#!/bin/bash
# Real programs in a Debian 12 root and a busybox root, compared with runc: run.sh RUNSC [--jobs N] [program ..]
# As root. The first time it makes the root with debootstrap, in the tree's build directory.
#   run.sh RUNSC --long [test ..]: selected tests of Python's own test suite instead (half an hour)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$here/../../build/debian-root
runsc=$1
shift
mkdir -p "$(dirname "$root")"
root=$(readlink -f "$root")
bash "$here/root.sh" "$root"
if [ "${1:-}" = --long ]; then
  shift
  exec python3 "$here/python_suite.py" "$runsc" "$root" "$@"
fi
exec python3 "$here/run.py" "$runsc" "$root" "$@"
