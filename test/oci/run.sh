#!/bin/bash
# The lifecycle tests, for any OCI runtime with runc's command line: [RUNTIME=runc] test/oci/run.sh [module[.Class[.test]] ..]
#
# Without RUNTIME: this project's own, as built by `bazel build //runsc`. What passes with runc has to pass with it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
runtime=${RUNTIME:-$here/../../bazel-bin/runsc/runsc}
exec python3 "$here/run.py" "$(readlink -f "$(command -v "$runtime")")" "$@"
