#!/usr/bin/env python3
"""Static analysis of the C++ sources with clang-tidy (.clang-tidy says which checks) and clang's warnings, those about
locks included; and their format. Needs a built tree, for the headers that are generated, and Debian's packages
clang-16 and clang-tidy-16 (the format: clang-format).

    python3 test/lint.py [FILE.cc ..]           all files take about an hour of one core
    python3 test/lint.py --locks [FILE.cc ..]   only clang's warnings: a quarter of that
    python3 test/lint.py --format               only the format, and where TRY stands: seconds
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
# The first clang that follows a lock through the function that returns it, and knows all of the C++20 that is written here.
CLANG = 'clang++-16'
TIDY = 'clang-tidy-16'
# What gcc knows and clang does not.
GCC_ONLY = {'-fno-canonical-system-headers', '-Wno-free-nonheap-object', '-Wunused-but-set-parameter',
            '-Wno-maybe-uninitialized'}


# Cap'n Proto's headers compare text the other way round, which C++20 as clang has it does not turn by itself.
KJ_TEXT = '''#include <kj/string.h>
namespace kj {
inline bool operator==(const char* a, const StringPtr& b) { return b.operator==(StringPtr(a)); }
}
'''
LOCKED_TWICE = '''#include "boot/base/lock.h"
using namespace runsc;
int twice(Guarded<int, LockLevel::kLeaf>& value) {
  auto first = value.lock();
  return *value.lock();
}
'''


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout


def compile_commands(prefix):
    """The command of each source that the build compiles, as a compilation database has it; `prefix` is included first."""
    commands = {}
    for action in json.loads(output_of('bazel', 'aquery', '--output=jsonproto', 'mnemonic("CppCompile", //...)'))['actions']:
        arguments = [a for a in action['arguments'] if a not in GCC_ONLY and not a.startswith('-D__')]
        source = arguments[arguments.index('-c') + 1]
        if not source.startswith(('bazel-out/', 'external/')):
            commands[source] = {'directory': ROOT, 'file': source, 'arguments': [CLANG, '-include', prefix] + arguments[1:]}
    return commands


def tidy(database, command):
    """What clang-tidy finds in one source; '' when nothing."""
    done = subprocess.run([TIDY, '--quiet', '-p', database, '--extra-arg=-Wthread-safety', command['file']], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.stdout + (done.stderr if done.returncode and not done.stdout else '')


def warnings(arguments):
    """What the compiler says, locks included; '' when nothing."""
    return subprocess.run([CLANG, '-fsyntax-only', '-Wthread-safety'] + arguments, cwd=ROOT, stderr=subprocess.PIPE,
                          text=True).stderr


def warnings_of(command):
    arguments = command['arguments'][1:]
    for option in ('-MF', '-o'):
        if option in arguments:
            at = arguments.index(option)
            del arguments[at:at + 2]
    return warnings([a for a in arguments if a not in ('-c', '-MD')])


def check_that_locks_are_analysed():
    """An analysis that finds nothing here would find nothing anywhere: ends the program."""
    with tempfile.NamedTemporaryFile('w', suffix='.cc') as file:
        file.write(LOCKED_TWICE)
        file.flush()
        said = warnings(['-std=c++20', '-iquote', ROOT, file.name])
    if 'that is already held' not in said:
        sys.exit('lint.py: the analysis of locks does not see a lock that is taken twice: %s' % said)


def is_behind_another(text, at):
    """Whether the expression at `at` stands in a braced list (on any level of its statement) with elements before it."""
    depth, comma = 0, False
    while at > 0:
        at -= 1
        char = text[at]
        if depth == 0 and (char == ';' or char == '}' and text[at + 1] == '\n' or
                           char == '{' and re.search(r'[^=,(]\s\Z', text[at - 8:at]) and not text[:at].endswith('return ')):
            return False
        if char in ')]}':
            depth += 1
        elif char in '([{':
            if depth == 0 and char == '{' and comma:
                return True
            depth, comma = max(depth - 1, 0), comma and depth > 0
        elif char == ',' and depth == 0:
            comma = True
    return False


def check_tries():
    """Prints where a TRY, which may leave, stands behind an element that is then not destroyed; their number."""
    bad = 0
    for source in output_of('git', 'ls-files', '*.cc', '*.h').split():
        with open(os.path.join(ROOT, source)) as file:
            # Comments and literals, without what may be in them.
            text = re.sub(r"//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)'", '', file.read())
        for found in re.finditer(r'\bTRY\(', text):
            if is_behind_another(text, found.start()):
                bad += 1
                print('%s: TRY behind another element of a braced list (boot/base/result.h): %s' %
                      (source, text[found.start():].split('\n')[0]))
    return bad


def check_format():
    """The number of sources that clang-format would change; prints them."""
    sources = output_of('git', 'ls-files', '*.cc', '*.h').split()
    done = subprocess.run(['clang-format', '--dry-run', '-Werror'] + sources, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    unformatted = sorted({line.split(':')[0] for line in done.stderr.splitlines() if ': error: ' in line})
    for source in unformatted:
        print('%s: not formatted: clang-format -i %s' % (source, source))
    return len(sources), len(unformatted)


def check_sources(names, only_locks):
    check_that_locks_are_analysed()
    bad = 0
    with tempfile.TemporaryDirectory() as database, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        prefix = os.path.join(database, 'prefix.h')
        with open(prefix, 'w') as file:
            file.write(KJ_TEXT)
        commands = compile_commands(prefix)
        with open(os.path.join(database, 'compile_commands.json'), 'w') as file:
            json.dump(list(commands.values()), file)
        sources = [os.path.relpath(os.path.realpath(name), ROOT) for name in names] or sorted(commands)
        unknown = [source for source in sources if source not in commands]
        if unknown:
            sys.exit('lint.py: not compiled by any target: %s' % ' '.join(unknown))
        check = warnings_of if only_locks else lambda command: tidy(database, command)
        for found in pool.map(check, [commands[source] for source in sources]):
            bad += found != ''
            print(found, end='', flush=True)
    return len(sources), bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--format', action='store_true', help='only the format')
    parser.add_argument('--locks', action='store_true', help='only what the compiler itself warns of')
    parser.add_argument('files', nargs='*')
    options = parser.parse_args()
    checked, bad = check_format() if options.format else check_sources(options.files, options.locks)
    bad += check_tries()
    print('lint: %d passed, %d failed' % (checked - bad, bad))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
