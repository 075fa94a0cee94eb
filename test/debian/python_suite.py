#!/usr/bin/env python3
"""Runs tests of Python's own test suite under runc and runsc, and shows which differ: python_suite.py RUNSC ROOT [test ..]

Not part of test/run.sh: it takes half an hour, and tests of times fail now and then on a busy machine."""
import re
import sys

import harness

# What looks closely at the system; the rest of the suite is about the language.
TESTS = '''
os posix fcntl mmap select selectors poll epoll signal subprocess threading thread socket tempfile shutil pathlib glob
fileio io file largefile pty openpty ioctl tty termios resource wait3 wait4 fork1 posixpath stat time pwd grp ctypes
mailbox multiprocessing_fork multiprocessing_spawn multiprocessing_forkserver dbm tarfile zipfile gzip bz2 lzma
faulthandler cmd_line popen eintr timeout concurrent_futures asyncio getpass socketserver queue sched threadsignals
fileinput filecmp import py_compile compileall gc sys platform logging httpservers uuid
'''.split()

# A result of one test: "test_x (test.test_os.Class.test_x) ... ok", with the test's own output in between at times.
RESULT = re.compile(r'^(\w+ \(\S+\))(?: \.\.\..*?)?(ok|FAIL|ERROR|skipped .*|expected failure)$', re.MULTILINE)

# test: why it may differ
KNOWN = {}
# UDP-Lite is not served, as by a kernel without it.
KNOWN_NAMES = re.compile('UDPLITE')


def results(command, root, test, image_itself):
    with harness.Container(root, ['python3', '-m', 'test', '-v', 'test_' + test]) as container:
        result = container.run(command, image_itself, timeout=900)
    return dict(RESULT.findall(result.out.decode(errors='replace'))), result.status


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    runsc, root = sys.argv[1:3]
    same = differ = 0
    for test in sys.argv[3:] or TESTS:
        expected, expected_status = results(['runc'], root, test, False)
        got, status = results([runsc], root, test, True)
        worse = [(name, expected[name], got.get(name, 'no result')) for name in expected
                 if expected[name] == 'ok' and got.get(name) != 'ok' and name not in KNOWN
                 and not KNOWN_NAMES.search(name)]
        same += len(expected) - len(worse)
        differ += len(worse)
        print('test_%s: %d results, runc %s, runsc %s' % (test, len(expected), expected_status, status), flush=True)
        for line in worse:
            print('  %s: %s under runc, %s under runsc' % line, flush=True)
        if not expected and status != expected_status:
            differ += 1
    print('python suite: %d passed, %d failed' % (same, differ))
    sys.exit(1 if differ else 0)


if __name__ == '__main__':
    main()
