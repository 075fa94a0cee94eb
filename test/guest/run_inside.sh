#!/bin/bash
# usage: run_inside.sh RUNTIME [options]: see run_inside.py --help
exec python3 "$(dirname "$0")/run_inside.py" "$@"
