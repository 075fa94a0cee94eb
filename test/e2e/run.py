#!/usr/bin/env python3
"""Runs the end-to-end tests: run.py RUNSC [module or module.Class.test ..]. Needs root and busybox."""
import os
import sys


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.environ['RUNSC'] = os.path.abspath(sys.argv[1])
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    import harness
    harness.take_mounts()
    harness.run_tests(here, sys.argv[2:], 'e2e tests')


if __name__ == '__main__':
    main()
