#!/usr/bin/env python3
"""Prints markdown tables of micro-benchmarks: native, runc, gVisor (GVISOR=path of its runsc), and this runsc.

Each cell is nanoseconds per operation, measured by guest_bench inside; the busy table has two loops beside it that keep
both processors occupied. The last rows are wall times in ms of `run /bin/true`, of create + start + end + delete
together and each alone, of exec, with --docker of `docker run --rm`, and the memory (PSS of all processes) of an idle
sandbox. The speed of machines drifts and others work beside us:
so the columns take turns, round by round, and what is shown is the minimum of the rounds (busy: the median, as there
the load is what is measured).
"""
import argparse
import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from docker_times import Docker

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, '../..')


def build_rootfs(root, bench):
    for directory in ('bin', 'dev', 'proc', 'sys', 'tmp', 'gofer', 'etc'):
        os.makedirs(os.path.join(root, directory))
    busybox = next(p for p in ('/bin/busybox', '/usr/bin/busybox') if os.path.exists(p))
    shutil.copy(busybox, os.path.join(root, 'bin/busybox'))
    for applet in ('sh', 'true', 'sleep'):
        os.symlink('busybox', os.path.join(root, 'bin', applet))
    shutil.copy(bench, os.path.join(root, 'bin/guest_bench'))


def config(root, shared, args):
    caps = ['CAP_KILL']
    return {
        'ociVersion': '1.0.2',
        'process': {'terminal': False, 'user': {'uid': 0, 'gid': 0}, 'args': args, 'cwd': '/',
                    'env': ['PATH=/bin'], 'noNewPrivileges': True,
                    'capabilities': {s: caps for s in ('bounding', 'effective', 'permitted')}},
        'root': {'path': root, 'readonly': False},
        'hostname': 'bench',
        'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'},
                   {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['mode=755']},
                   {'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['mode=1777']},
                   {'destination': '/gofer', 'type': 'bind', 'source': shared, 'options': ['bind', 'rw']}],
        'linux': {'namespaces': [{'type': t} for t in ('pid', 'ipc', 'uts', 'mount', 'network')]},
    }


class Native:
    name = 'native'

    def __init__(self, root, shared):
        self.root, self.shared = root, shared

    def bench(self, arguments):
        tmpfs = tempfile.mkdtemp(prefix='bench.', dir='/dev/shm')
        try:
            return subprocess.run([os.path.join(self.root, 'bin/guest_bench'), '--dir=tmpfs=' + tmpfs,
                                   '--dir=gofer=' + self.shared] + arguments, stdout=subprocess.PIPE, check=True,
                                  text=True).stdout
        finally:
            shutil.rmtree(tmpfs)

    def start_time(self):
        return None

    lifecycle_times = exec_times = idle_pss = start_time


class Runtime:
    def __init__(self, name, command, flags, work, root, shared):
        self.name, self.work, self.root, self.shared = name, work, root, shared
        self.flags = flags
        self.base = [command, '--root', os.path.join(work, 'state-' + name)] + flags

    def bundle(self, args):
        path = tempfile.mkdtemp(prefix='bench-%s-' % self.name, dir=self.work)
        with open(os.path.join(path, 'config.json'), 'w') as f:
            json.dump(config(self.root, self.shared, args), f)
        return path, os.path.basename(path)

    def run(self, args):
        path, name = self.bundle(args)
        done = subprocess.run(self.base + ['run', '--bundle', path, name], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=900)
        self.delete(name)
        if done.returncode != 0:
            raise RuntimeError('%s: status %d: %s' % (self.name, done.returncode, done.stderr[-500:]))
        return done.stdout

    def delete(self, name):
        subprocess.run(self.base + ['delete', '--force', name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def bench(self, arguments):
        return self.run(['/bin/guest_bench', '--dir=tmpfs=/tmp', '--dir=gofer=/gofer'] + arguments)

    def start_time(self):
        begin = time.monotonic()
        self.run(['/bin/true'])
        return (time.monotonic() - begin) * 1e3

    def quiet(self, *arguments):
        subprocess.run(self.base + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True, timeout=120)

    def until_done(self, *arguments):
        """Again until it works: some runtimes need a moment to see the end of a container."""
        for _ in range(100):
            try:
                return self.quiet(*arguments)
            except subprocess.CalledProcessError:
                time.sleep(0.001)
        self.quiet(*arguments)

    def lifecycle_times(self):
        """Milliseconds of create, start, the end of /bin/true, and delete: {row: ms}."""
        path, name = self.bundle(['/bin/true'])
        pid_file = os.path.join(path, 'pid')
        begin = time.monotonic()
        self.quiet('create', '--bundle', path, '--pid-file', pid_file, name)
        created = time.monotonic()
        with open(pid_file) as f:
            process = os.pidfd_open(int(f.read()))
        before_start = time.monotonic()
        self.quiet('start', name)
        started = time.monotonic()
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.poll(60_000)
        os.close(process)
        ended = time.monotonic()
        self.until_done('delete', name)
        end = time.monotonic()
        return {'lifecycle_ms': (end - begin) * 1e3, 'create_ms': (created - begin) * 1e3,
                'start_ms': (started - before_start) * 1e3, 'delete_ms': (end - ended) * 1e3}

    def exec_times(self):
        """Milliseconds of some executions of /bin/true in a running container."""
        path, name = self.bundle(['/bin/sleep', '1000'])
        self.quiet('run', '--detach', '--bundle', path, name)
        times = []
        try:
            for _ in range(3):
                begin = time.monotonic()
                self.quiet('exec', name, '/bin/true')
                times.append((time.monotonic() - begin) * 1e3)
        finally:
            self.delete(name)
        return times

    def start_many(self, count):
        """Seconds to start so many sandboxes at once, and MiB of all of them."""
        bundles = [self.bundle(['/bin/sleep', '1000']) for _ in range(count)]
        before, begin = set(pids()), time.monotonic()
        try:
            starts = [subprocess.Popen(self.base + ['run', '--detach', '--bundle', path, name],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                      for path, name in bundles]
            failed = sum(1 for start in starts if start.wait(600) != 0)
            seconds = time.monotonic() - begin
            if failed:
                raise RuntimeError('%s: %d of %d sandboxes did not start' % (self.name, failed, count))
            time.sleep(2)
            new = set(pids()) - before
            prefix = 'bench-%d-%s-' % (os.getpid(), self.name)
            memory = total_pss(p for p in new if belongs(p, self.base[0], prefix, new))
            return seconds, memory / 1024
        finally:
            for _, name in bundles:
                self.delete(name)

    def idle_pss(self):
        """KiB of all processes that a detached container adds."""
        path, name = self.bundle(['/bin/sleep', '1000'])
        before = set(pids())
        subprocess.run(self.base + ['run', '--detach', '--bundle', path, name], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=60)
        time.sleep(2)
        new = set(pids()) - before
        total = total_pss(p for p in new if belongs(p, self.base[0], name, new))
        self.delete(name)
        return total


def pids():
    return [int(n) for n in os.listdir('/proc') if n.isdigit()]


def read(path):
    try:
        with open(path, 'rb') as f:
            return f.read()
    except OSError:
        return b''


def parent(pid):
    fields = read('/proc/%d/stat' % pid).rpartition(b')')[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def belongs(pid, command, name, candidates):
    """Whether a new process is of the sandbox: it or an ancestor runs the runtime, or names the container."""
    while pid in candidates:
        try:
            if os.path.realpath('/proc/%d/exe' % pid) == os.path.realpath(command):
                return True
        except OSError:
            pass
        line = read('/proc/%d/cmdline' % pid)
        if name.encode() in line or line.startswith(b'/bin/sleep\0' + b'1000'):
            return True
        pid = parent(pid)
    return False


KCMP, KCMP_VM = 312, 1  # x86-64


def same_memory(one, other):
    """Whether two processes run in one address space (CLONE_VM): each shows all of its memory as its own."""
    return ctypes.CDLL(None, use_errno=True).syscall(KCMP, one, other, KCMP_VM, 0, 0) == 0


def total_pss(processes):
    """KiB of these processes, each address space once."""
    spaces = []
    for pid in processes:
        if not any(same_memory(pid, other) for other in spaces):
            spaces.append(pid)
    return sum(pss(pid) for pid in spaces)


def pss(pid):
    for line in read('/proc/%d/smaps_rollup' % pid).splitlines():
        if line.startswith(b'Pss:'):
            return int(line.split()[1])
    return 0


class Busy:
    """Two processes that never sleep."""

    def __enter__(self):
        self.loops = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(2)]

    def __exit__(self, *_):
        for loop in self.loops:
            loop.kill()
            loop.wait()


class Idle:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


# Row -> (load or None for both, the column compared with, the ratio that is to be reached).
TARGETS = {
    'getpid': [('idle', 'gvisor', 1.4), ('busy', 'gvisor', 0.5)],
    'clock_gettime': [(None, 'native', 1.15)],
    'page_fault': [(None, 'native', 1.15)],
    'mmap_touch_munmap': [(None, 'gvisor', 0.5)],
    'fork_wait': [(None, 'gvisor', 0.35)],
    'fork_exec_wait': [(None, 'gvisor', 0.35)],
    'thread_create_join': [(None, 'gvisor', 1.2)],
    'run_true_ms': [(None, 'gvisor', 0.25), (None, 'runc', 1.0)],
    'lifecycle_ms': [(None, 'gvisor', 0.2), (None, 'runc', 1.0)],
    'exec_ms': [(None, 'gvisor', 0.3)],
    'docker_run_ms': [(None, 'gvisor', 1.0)],
    'idle_pss_kib': [(None, 'gvisor', 0.3)],
}
RATIOS = [('runsc', 'gvisor'), ('runsc', 'native'), ('runsc', 'runc')]


class Rounds:
    """The values of all rounds: {(row, side): [values]}."""

    def __init__(self, sides, options, docker):
        self.sides, self.options, self.docker, self.values = list(sides), options, docker, {}

    def note(self, row, side, value):
        if value is not None:
            self.values.setdefault((row, side.name), []).append(value)

    def try_note(self, row, side, measure):
        """For what not every runtime can do: the row then has no value for it."""
        try:
            values = measure()
        except (OSError, subprocess.SubprocessError) as error:
            print('%s: %s: %s' % (side.name, row, error), file=sys.stderr)
            return
        rows = values if isinstance(values, dict) else {row: values}
        for name, value in rows.items():
            for each in value if isinstance(value, list) else [value]:
                self.note(name, side, each)

    def measure(self, side, first):
        for line in side.bench(['--time=%d' % self.options.time] + self.options.filter).splitlines():
            name, value = line.split()
            self.note(name, side, float(value))
        if not self.options.filter:
            for _ in range(3):
                self.note('run_true_ms', side, side.start_time())
                self.try_note('lifecycle_ms', side, side.lifecycle_times)
            self.try_note('exec_ms', side, side.exec_times)
            if self.docker and side.name != 'native':
                self.try_note('docker_run_ms', side, lambda: self.docker.run_times(side, 3))
            if first:
                self.note('idle_pss_kib', side, side.idle_pss())

    def turn(self, number):
        # In another order each time: whoever is first finds the machine in another state than who is last.
        start = number % len(self.sides)
        for side in self.sides[start:] + self.sides[:start]:
            try:
                self.measure(side, number == 0)
            except (RuntimeError, subprocess.SubprocessError) as error:
                print('%s dropped: %s' % (side.name, error), file=sys.stderr)
                self.sides.remove(side)
            print('round %d: %s done' % (number + 1, side.name), file=sys.stderr)


def collect(sides, options, docker, seconds):
    """The values of as many rounds as were asked for, or fit into the time (one always does)."""
    rounds, end = Rounds(sides, options, docker), time.monotonic() + seconds
    for number in range(options.rounds):
        begin = time.monotonic()
        if number > 0 and begin + longest > end:
            print('no time for more than %d rounds' % number, file=sys.stderr)
            break
        rounds.turn(number)
        longest = time.monotonic() - begin
    return rounds.values


def verdicts(row, load, shown):
    """Which targets the row has, and whether they are reached; empty when it has none."""
    texts = []
    for only, other, most in TARGETS.get(row, []):
        if only not in (None, load) or 'runsc' not in shown or not shown.get(other):
            continue
        met = shown['runsc'] <= most * shown[other]
        texts.append('%s %.2f %s' % ('met:' if met else 'MISSED:', most, other))
    return ', '.join(texts)


def table(load, values, names, statistic):
    """Prints one load's table; returns {row: {column: value}}."""
    ratios = [(a, b) for a, b in RATIOS if a in names and b in names]
    header = ['%s (ns)' % load] + names + ['%s/%s' % r for r in ratios] + ['target']
    print('| ' + ' | '.join(header) + ' |')
    print('|---' + '|---:' * (len(header) - 2) + '|---|')
    result = {}
    for row in dict.fromkeys(row for row, _ in values):
        shown = {n: statistic(values[(row, n)]) for n in names if (row, n) in values}
        cells = ['{:,.0f}'.format(shown[n]) if n in shown else '' for n in names]
        for a, b in ratios:
            cells.append('%.2f' % (shown[a] / shown[b]) if a in shown and shown.get(b) else '')
        print('| ' + ' | '.join([row] + cells + [verdicts(row, load, shown)]) + ' |')
        result[row] = shown
    print(flush=True)
    return result


def print_many(sides, count):
    print('| %d sandboxes at once | s | MiB |\n|---|---:|---:|' % count)
    for side in sides[1:]:
        try:
            print('| %s | %.1f | %.0f |' % ((side.name,) + side.start_many(count)), flush=True)
        except (RuntimeError, subprocess.SubprocessError) as error:
            print('%s: %s' % (side.name, error), file=sys.stderr)


def make_sides(options, work, root, shared):
    sides = [Native(root, shared)]
    for name, command, flags in (('runc', shutil.which('runc'), []),
                                 ('gvisor', options.gvisor, options.gvisor_flag),
                                 ('runsc', options.runsc, options.runsc_flag)):
        if command and os.path.exists(command):
            sides.append(Runtime(name, os.path.abspath(command), flags, work, root, shared))
    return sides


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('filter', nargs='*', help='parts of names of benchmarks')
    parser.add_argument('--runsc', default=os.path.join(TOP, 'bazel-bin/runsc/runsc'), help='our runtime ("" for none)')
    parser.add_argument('--runsc-flag', action='append', default=[])
    parser.add_argument('--gvisor', default=os.environ.get('GVISOR', ''), help="gVisor's runsc (default: $GVISOR)")
    parser.add_argument('--gvisor-flag', action='append',
                        default=['--platform=systrap', '--network=none', '--ignore-cgroups'])
    parser.add_argument('--bench', default=os.path.join(TOP, 'bazel-bin/test/bench/guest_bench'))
    parser.add_argument('--rounds', type=int, default=7, help='at most so many, if the time suffices')
    parser.add_argument('--minutes', type=float, default=9, help='about so long for everything')
    parser.add_argument('--time', type=int, default=30, help='milliseconds for each run of a benchmark')
    parser.add_argument('--load', choices=['idle', 'busy', 'both'], default='both')
    parser.add_argument('--many', type=int, default=0, metavar='N', help='only: start N sandboxes at once')
    parser.add_argument('--docker', action='store_true', help='also `docker run --rm` by a dockerd of our own')
    parser.add_argument('--json', help='write the values to this file')
    options = parser.parse_args()

    # So that what was started is ended when we are.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = tempfile.mkdtemp(prefix='runsc-bench.')
    os.chmod(work, 0o755)
    results = {}
    try:
        root, shared = os.path.join(work, 'rootfs'), os.path.join(work, 'shared')
        os.mkdir(shared)
        build_rootfs(root, options.bench)
        if options.many:
            print_many(make_sides(options, work, root, shared), options.many)
            return
        loads = [each for each in (('idle', Idle, min), ('busy', Busy, statistics.median))
                 if options.load in (each[0], 'both')]
        end = time.monotonic() + 60 * options.minutes
        with contextlib.ExitStack() as stack:
            docker = None
            if options.docker:
                docker = stack.enter_context(Docker(work, root, make_sides(options, work, root, shared)))
            for left, (load, context, statistic) in zip(range(len(loads), 0, -1), loads):
                sides = make_sides(options, work, root, shared)
                names = [s.name for s in sides]
                with context():
                    values = collect(sides, options, docker, (end - time.monotonic()) / left)
                shown = [n for n in names if any(k[1] == n for k in values)]
                results[load] = table(load, values, shown, statistic)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if options.json:
        with open(options.json, 'w') as f:
            json.dump(results, f, indent=1)


if __name__ == '__main__':
    main()
