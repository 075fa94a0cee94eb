#!/usr/bin/env python3
"""Runs the lifecycle tests: run.py RUNTIME [module or module.Class.test ..]. Needs root and busybox."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.environ['RUNSC'] = os.path.abspath(sys.argv[1])
    sys.path[:0] = [HERE, os.path.join(HERE, '..', 'e2e')]
    import harness
    harness.become_subreaper()
    harness.take_mounts()
    names = sys.argv[2:] or sorted(n[:-3] for n in os.listdir(HERE) if n.endswith('_test.py'))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2, resultclass=harness.Result).run(suite)
    failed = len(result.failures) + len(result.errors)
    print('oci tests of %s: %d passed, %d failed' % (os.path.basename(harness.RUNSC), result.passed, failed))
    sys.exit(0 if failed == 0 and result.passed > 0 else 1)


if __name__ == '__main__':
    main()
