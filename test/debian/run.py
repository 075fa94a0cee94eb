#!/usr/bin/env python3
"""Runs real programs under runc and under runsc and compares what they say: run.py RUNSC ROOT [program ..]

ROOT is the Debian root that root.sh makes. Programs are the files below programs/, by their paths there; a folder's
name stands for all in it. Needs root, runc and busybox."""
import argparse
import concurrent.futures
import difflib
import os
import re
import shutil
import sys
import tempfile
import time

import harness

sys.path.append(os.path.join(harness.HERE, '..'))
import sanitizer


class Program:
    """A script and what its comments ask for:
    # user: 1000                       who runs it (0)
    # normalise: PATTERN => TEXT       a regular expression whose matches must differ; the comment above says why
    """

    def __init__(self, name):
        self.name = name
        self.user = 0
        self.normalise = []
        with open(os.path.join(harness.PROGRAMS, name)) as f:
            for line in f:
                match = re.match(r'# (user|normalise): (.*)', line)
                if match and match.group(1) == 'user':
                    self.user = int(match.group(2))
                elif match:
                    self.normalise.append(match.group(2).split(' => '))

    def view(self, result):
        """What must be equal, as lines."""
        lines = []
        for stream, data in (('stdout', result.out), ('stderr', result.err)):
            text = data.decode(errors='backslashreplace')
            for pattern, replacement in self.normalise:
                text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
            lines += ['%s: %s' % (stream, line) for line in text.splitlines()]
        return lines + ['exit status: %s' % result.status]


def programs(names):
    every = sorted(os.path.relpath(os.path.join(folder, file), harness.PROGRAMS)
                   for folder, _, files in os.walk(harness.PROGRAMS) for file in files
                   if os.access(os.path.join(folder, file), os.X_OK))
    for name in names:
        if not any(p == name or p.startswith(name + '/') for p in every):
            sys.exit('run.py: no program "%s"' % name)
    return [Program(p) for p in every if not names or any(p == n or p.startswith(n + '/') for n in names)]


def busybox_root(path):
    """A root of busybox alone, the applets as links."""
    for name in ('bin', 'dev', 'etc', 'proc', 'programs', 'root', 'sys', 'tmp', 'usr/bin', 'sbin'):
        os.makedirs(os.path.join(path, name))
    os.chmod(os.path.join(path, 'tmp'), 0o1777)
    busybox = next(p for p in ('/bin/busybox', '/usr/bin/busybox') if os.path.exists(p))
    shutil.copy(busybox, os.path.join(path, 'bin/busybox'))
    for applet in os.popen(busybox + ' --list').read().split():
        if applet != 'busybox':
            os.symlink('/bin/busybox', os.path.join(path, 'bin', applet))
    for name, text in (('passwd', 'root:x:0:0:root:/root:/bin/sh\n'), ('group', 'root:x:0:\n')):
        with open(os.path.join(path, 'etc', name), 'w') as f:
            f.write(text)


def run(program, image, command, image_itself):
    start = time.monotonic()
    with harness.Container(image, ['/programs/' + program.name], program.user) as container:
        result = container.run(command, image_itself)
    return result, time.monotonic() - start


def compare(program, image, runsc):
    """True when all is equal; prints one line, and the differences."""
    expected, expected_time = run(program, image, ['runc'], False)
    good = True
    for name, flags, itself in (('', [], True), (' written through', ['--overlay2', 'none'], False)):
        got, got_time = run(program, image, [runsc] + flags, itself)
        differences = list(difflib.unified_diff(program.view(expected), program.view(got), 'runc', 'runsc', '', '', 1))
        good = good and not differences
        print('%-6s %s%s (runc %.1f s, runsc %.1f s)' % ('DIFFER' if differences else 'ok', program.name, name,
                                                         expected_time, got_time))
        text = '\n'.join(differences[:60])
        print(text + '\n' if text else '', end='', flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('runsc', type=os.path.abspath)
    parser.add_argument('root', type=os.path.abspath)
    parser.add_argument('program', nargs='*')
    options = parser.parse_args()
    if not shutil.which('runc'):
        sys.exit('run.py: runc is not installed: bash third_party/install_packages.sh test')
    reports = sanitizer.Reports(options.runsc)
    with tempfile.TemporaryDirectory(prefix='runsc-busybox.') as busybox:
        os.chmod(busybox, 0o755)
        busybox_root(busybox)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            results = list(pool.map(
                lambda p: compare(p, busybox if p.name.startswith('busybox/') else options.root, options.runsc),
                programs(options.program)))
    reported = reports.take()
    if reported:
        print('reports of a sanitizer:\n' + reported)
        results.append(False)
    reports.close()
    print('debian tests: %d passed, %d failed' % (results.count(True), results.count(False)))
    sys.exit(0 if results and all(results) else 1)


if __name__ == '__main__':
    main()
