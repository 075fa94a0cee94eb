#!/usr/bin/env python3
"""Runs the programs of heavy/ and hostile/ inside an OCI runtime and prints what they left behind.

Each program runs in a container of its own. While exec_loop stands at its checkpoints the processes, descriptors and
memory (PSS) of the whole sandbox are taken; at the end of each program nothing of it may be running. The hostile
program may be ended by the sandbox if the sandbox says why; the runtime itself must survive and clean up.
"""
import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import run_inside
import sanitizer

HERE = os.path.dirname(os.path.abspath(__file__))
PR_SET_CHILD_SUBREAPER = 36


def processes_below(ancestor):
    """The pids of all living descendants of a process, itself included."""
    parents = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % name) as f:
                fields = f.read().rpartition(')')[2].split()
        except OSError:
            continue
        if fields[0] != 'Z':
            parents[int(name)] = int(fields[1])
    below, grew = {ancestor}, True
    while grew:
        grew = False
        for pid, parent in parents.items():
            if parent in below and pid not in below:
                below.add(pid)
                grew = True
    return sorted(p for p in below if p in parents)


def pss_kib(pid):
    try:
        with open('/proc/%d/smaps_rollup' % pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith('Pss:'))
    except (OSError, StopIteration):
        return 0


def descriptors(pid):
    try:
        return len(os.listdir('/proc/%d/fd' % pid))
    except OSError:
        return 0


def figures(ancestor):
    pids = processes_below(ancestor)
    return {'processes': len(pids), 'descriptors': sum(map(descriptors, pids)), 'pss_kib': sum(map(pss_kib, pids))}


def arguments(pid):
    """Of a process; none if it has gone meanwhile: those of the sandbox come and go."""
    try:
        with open('/proc/%d/cmdline' % pid, 'rb') as f:
            return f.read().split(b'\0')
    except (FileNotFoundError, ProcessLookupError):
        return []


def kill_gofer(ancestor):
    gofers = [pid for pid in processes_below(ancestor) if arguments(pid)[:2] == [b'runsc', b'gofer']]
    if len(gofers) != 1:
        sys.exit('one gofer was expected below process %d, not %s' % (ancestor, gofers))
    os.kill(gofers[0], signal.SIGKILL)


class Program:
    """`kills_gofer`: at its checkpoint, which ends it and the sandbox."""

    def __init__(self, path, arguments=(), pids_limit=None, may_end=False, timeout=600, kills_gofer=False):
        self.path, self.arguments, self.pids_limit = path, list(arguments), pids_limit
        self.may_end, self.timeout, self.kills_gofer = may_end, timeout, kills_gofer
        self.name = os.path.basename(path)


def programs(options):
    heavy, hostile = os.path.join(options.bin_dir, 'heavy'), os.path.join(options.bin_dir, 'hostile')
    # Under a runtime that shares the host's kernel the dangerous calls would reach it, and there is no gofer.
    contained = os.path.basename(options.runtime) not in ('runc', 'crun', 'youki')
    out = [
        Program(os.path.join(heavy, 'threads')),
        Program(os.path.join(heavy, 'fork_bomb'), ['--cap=400']),
        Program(os.path.join(heavy, 'fork_bomb'), ['--cap=2000', '--expect-limit=1'], pids_limit=150),
        Program(os.path.join(heavy, 'copy_on_write'), ['--mib=%d' % options.mib]),
        Program(os.path.join(heavy, 'exec_loop'), ['--count=%d' % options.count]),
        Program(os.path.join(heavy, 'aio'), kills_gofer=contained),
    ]
    for attack in ('buffers', 'write', 'remap', 'jump', 'calls'):
        arguments = ['--inside=%d' % contained, '--seconds=%d' % options.seconds, '--seed=%d' % options.seed,
                     '--pages=%d' % options.pages, attack]
        out.append(Program(os.path.join(hostile, 'hostile'), arguments, may_end=attack != 'buffers',
                           timeout=600 + options.seconds))
    return [p for p in out if not options.only or {p.name, *p.arguments} & set(options.only)]


class Run:
    """One program in one container."""

    def __init__(self, work, root, options, program, number):
        self.program, self.options = program, options
        self.name = 'heavy-%d-%d' % (os.getpid(), number)
        self.bundle = os.path.join(work, self.name)
        os.mkdir(self.bundle)
        spec = run_inside.config(['/tests/' + program.name] + program.arguments, True)
        spec['root']['path'] = root
        spec['process']['rlimits'] = [{'type': 'RLIMIT_NOFILE', 'soft': 4096, 'hard': 4096}]
        if program.pids_limit:
            spec['linux']['resources']['pids'] = {'limit': program.pids_limit}
        run_inside.write_json(os.path.join(self.bundle, 'config.json'), spec)
        self.base = [options.runtime, '--root', os.path.join(work, 'state')] + options.runtime_flag

    def execute(self):
        """Returns (exit status, output lines, {checkpoint: figures})."""
        process = subprocess.Popen(self.base + ['run', '--bundle', self.bundle, self.name], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            lines, taken = self.follow(process)
            process.stdin.close()
            return process.wait(timeout=60), lines, taken
        finally:
            self.destroy()
            process.kill()
            process.wait()

    def follow(self, process):
        lines, taken = [], {}
        for line in run_inside.lines_of(process, self.program.timeout):
            if line is None:
                lines.append('no output for %d s: killed\n' % self.program.timeout)
                self.destroy()
                process.kill()
                break
            lines.append(line)
            if line.startswith('checkpoint '):
                if self.program.kills_gofer:
                    kill_gofer(process.pid)
                    continue
                time.sleep(1)  # What ends asynchronously has ended.
                taken[line.split()[1]] = figures(process.pid)
                process.stdin.write(b'\n')
                process.stdin.flush()
        return lines, taken

    def destroy(self):
        subprocess.run(self.base + ['delete', '--force', self.name], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)


def wait_until_alone(seconds=10):
    """True when nothing but this process is left of all that was started."""
    for _ in range(seconds * 10):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if processes_below(os.getpid()) == [os.getpid()]:
            return True
        time.sleep(0.1)
    return False


def leaks(before, after, sanitized):
    """What grew beyond noise between two checkpoints. Memory says nothing where a sanitizer keeps what was freed."""
    out = []
    for what, slack in (('processes', 0), ('descriptors', 4), ('pss_kib', 4096 if not sanitized else float('inf'))):
        if after[what] > before[what] + slack:
            out.append('%s grew from %d to %d' % (what, before[what], after[what]))
    return out


def judge(program, status, lines, taken, sanitized):
    """The reasons why this run is bad; none when it is good."""
    bad = []
    if program.kills_gofer:
        if status == 0 or not [line for line in lines if 'gofer process' in line and 'SIGKILL' in line]:
            bad.append('status %s without the gofer' % status)
        return bad + left_processes()
    if status != 0 and not (program.may_end and lines):
        bad.append('status %s' % status)
    if program.may_end and status != 0 and 'hostile:' in lines[-1]:
        bad.append('ended with status %s without a reason' % status)
    # It may end the program; nothing that the program does may end it.
    bad += [line.strip() for line in lines if 'boot process' in line or 'gofer process' in line]
    if 'before' in taken and 'after' in taken:
        bad += leaks(taken['before'], taken['after'], sanitized)
    return bad + left_processes()


def left_processes():
    return [] if wait_until_alone() else ['left processes: %s' % processes_below(os.getpid())[1:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runtime')
    parser.add_argument('only', nargs='*', help='names of programs or attacks (default: all)')
    parser.add_argument('--bin-dir', default=os.path.join(HERE, '../../bazel-bin/test/guest'))
    parser.add_argument('--runtime-flag', action='append', default=[])
    parser.add_argument('--count', type=int, default=10000, help='fork+exec+wait in a row')
    parser.add_argument('--mib', type=int, default=1024, help='memory of copy_on_write')
    parser.add_argument('--seconds', type=int, default=60, help='of random system calls')
    parser.add_argument('--pages', type=int, default=64, help="of the sandbox's own memory that are attacked")
    parser.add_argument('--small', action='store_true', help='sizes for every day: a minute or two for all')
    parser.add_argument('--seed', type=int, default=int(time.time()), help='of the hostile program')
    options = parser.parse_args()
    if options.small:
        options.count, options.mib, options.seconds, options.pages = 1000, 256, 10, 16
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    runtime = shutil.which(options.runtime)
    if not runtime:
        sys.exit('no runtime ' + options.runtime)
    options.runtime = os.path.abspath(runtime)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    work = tempfile.mkdtemp(prefix='guest-heavy.')
    os.chmod(work, 0o755)
    sanitized = sanitizer.of(options.runtime)
    reports = sanitizer.Reports(options.runtime)
    failed = 0
    try:
        wanted = programs(options)
        root = os.path.join(work, 'rootfs')
        run_inside.build_rootfs(root, sorted({p.path for p in wanted}))
        for number, program in enumerate(wanted):
            begin = time.monotonic()
            status, lines, taken = Run(work, root, options, program, number).execute()
            bad = judge(program, status, lines, taken, sanitized)
            reported = reports.take()
            if reported:
                bad.append('reports of a sanitizer:\n' + reported)
            failed += bool(bad)
            print('%-4s %s %s (%.1f s)' % ('FAIL' if bad else 'ok', program.name, ' '.join(program.arguments),
                                          time.monotonic() - begin))
            for name, values in taken.items():
                print('     %s: %s' % (name, ', '.join('%s %d' % item for item in values.items())))
            for reason in bad:
                print('     ' + reason)
            sys.stdout.write(''.join('     | ' + line for line in (lines[-15:] if bad else lines[-1:])))
            sys.stdout.flush()
    finally:
        shutil.rmtree(work, ignore_errors=True)
        reports.close()
    print('heavy tests: %d passed, %d failed' % (len(wanted) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
