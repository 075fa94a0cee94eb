#!/usr/bin/env python3
"""Runs the end-to-end tests: run.py RUNSC [module or module.Class.test ..]. Needs root and busybox."""
import os
import sys
import unittest


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.environ['RUNSC'] = os.path.abspath(sys.argv[1])
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    import harness
    harness.become_subreaper()
    harness.take_mounts()
    names = sys.argv[2:] or sorted(n[:-3] for n in os.listdir(here) if n.endswith('_test.py'))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2, resultclass=harness.Result).run(suite)
    failed = len(result.failures) + len(result.errors)
    print('e2e tests: %d passed, %d failed' % (result.passed, failed))
    sys.exit(0 if failed == 0 and result.passed > 0 else 1)


if __name__ == '__main__':
    main()
