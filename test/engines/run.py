#!/usr/bin/env python3
"""Runs the tests with real engines: run.py RUNSC [module or module.Class.test ..]. Needs root."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.environ['RUNSC'] = os.path.abspath(sys.argv[1])
    sys.path[:0] = [HERE, os.path.join(HERE, '..', 'e2e')]
    import harness
    harness.run_tests(HERE, sys.argv[2:], 'engine tests')


if __name__ == '__main__':
    main()
