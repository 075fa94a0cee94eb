#!/bin/bash
# The table of micro-benchmarks: see run.py --help. GVISOR=path of gVisor's runsc adds its column.
exec python3 "$(dirname "$0")/run.py" "$@"
