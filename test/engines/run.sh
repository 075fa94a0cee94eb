#!/bin/bash
# The runtime under real engines, each with a daemon and directories of its own:
#   test/engines/run.sh RUNSC [module[.Class[.test]] ..]
#
# As root, with the packages of `third_party/install_packages.sh test`. The last line says "N passed, M failed".
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
[ $# -ge 1 ] || { echo "usage: $0 RUNSC [module[.Class[.test]] ..]" >&2; exit 2; }
runsc=$(readlink -f "$1")
shift
# Debian's own Python, whichever else the path has: the packages are for that.
exec /usr/bin/python3 "$here/run.py" "$runsc" "$@"
