#!/usr/bin/env python3
"""Static analysis of the C++ sources with clang-tidy (.clang-tidy says which checks) and clang's warnings, those about
locks included; and their format. Needs a built tree, for the headers that are generated.

    python3 test/lint.py [FILE.cc ..]     all files take about half an hour of one core
    python3 test/lint.py --format         only the format: seconds
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
# What gcc knows and clang does not.
GCC_ONLY = {'-fno-canonical-system-headers', '-Wno-free-nonheap-object', '-Wunused-but-set-parameter',
            '-Wno-maybe-uninitialized'}


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout


def compile_commands():
    """The command of each source that the build compiles, as a compilation database has it."""
    commands = {}
    for action in json.loads(output_of('bazel', 'aquery', '--output=jsonproto', 'mnemonic("CppCompile", //...)'))['actions']:
        arguments = [a for a in action['arguments'] if a not in GCC_ONLY and not a.startswith('-D__')]
        source = arguments[arguments.index('-c') + 1]
        if not source.startswith(('bazel-out/', 'external/')):
            commands[source] = {'directory': ROOT, 'file': source, 'arguments': ['clang++'] + arguments[1:]}
    return commands


def tidy(database, source):
    """What clang-tidy finds in one source; '' when nothing."""
    done = subprocess.run(['clang-tidy', '--quiet', '-p', database, '--extra-arg=-Wthread-safety', source], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.stdout + (done.stderr if done.returncode and not done.stdout else '')


def check_format():
    """The number of sources that clang-format would change; prints them."""
    sources = output_of('git', 'ls-files', '*.cc', '*.h').split()
    done = subprocess.run(['clang-format', '--dry-run', '-Werror'] + sources, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    unformatted = sorted({line.split(':')[0] for line in done.stderr.splitlines() if ': error: ' in line})
    for source in unformatted:
        print('%s: not formatted: clang-format -i %s' % (source, source))
    return len(sources), len(unformatted)


def check_sources(names):
    commands = compile_commands()
    sources = [os.path.relpath(os.path.realpath(name), ROOT) for name in names] or sorted(commands)
    unknown = [source for source in sources if source not in commands]
    if unknown:
        sys.exit('lint.py: not compiled by any target: %s' % ' '.join(unknown))
    bad = 0
    with tempfile.TemporaryDirectory() as database, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        with open(os.path.join(database, 'compile_commands.json'), 'w') as file:
            json.dump(list(commands.values()), file)
        for found in pool.map(lambda source: tidy(database, source), sources):
            bad += found != ''
            print(found, end='', flush=True)
    return len(sources), bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--format', action='store_true', help='only the format')
    parser.add_argument('files', nargs='*')
    options = parser.parse_args()
    checked, bad = check_format() if options.format else check_sources(options.files)
    print('lint: %d passed, %d failed' % (checked - bad, bad))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
