#!/usr/bin/env python3
"""Runs the lifecycle tests: run.py RUNTIME [module or module.Class.test ..]. Needs root and busybox."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.environ['RUNSC'] = os.path.abspath(sys.argv[1])
    sys.path[:0] = [HERE, os.path.join(HERE, '..', 'e2e')]
    import harness
    harness.take_mounts()
    harness.run_tests(HERE, sys.argv[2:], 'oci tests of ' + os.path.basename(harness.RUNSC))


if __name__ == '__main__':
    main()
