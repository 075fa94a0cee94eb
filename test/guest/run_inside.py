#!/usr/bin/env python3
"""Runs the guest tests inside an OCI runtime and compares each result with native Linux.

A root file system of busybox and the test programs serves both sides: natively the programs run in it by pivot_root in
namespaces of their own, inside they run by `RUNTIME run`. A test that hangs or ends its program counts as failed, and
the tests after it run in another process. Differences must be listed in known_gaps.txt, and everything listed there
must differ.
"""
import argparse
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import sanitizer

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = re.compile(r'\[ RUN      \] (\S+)')
END = re.compile(r'\[ +(OK|FAILED|SKIPPED) +\] ([^\s,]+)[^(]*\(\d+ ms\)')
CAPABILITIES = ['CAP_' + name for name in (
    'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE '
    'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE '
    'SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE SETFCAP').split()]
# Resource limits inside are those outside: whoever started us may have odd ones.
RLIMITS = [('RLIMIT_NOFILE', 1024, 4096)]
NATIVE_SETUP = r'''
set -e
root=$1; shift
mount --make-rprivate /
mount --bind $root $root
mount -t proc proc $root/proc
mount -t tmpfs -o mode=755 tmpfs $root/dev
for node in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 $root/dev/${node%%:*} c 1 ${node##*:}
done
mknod -m 666 $root/dev/tty c 5 0
mkdir $root/dev/pts $root/dev/shm $root/dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts $root/dev/pts
ln -s pts/ptmx $root/dev/ptmx
ln -s /proc/self/fd $root/dev/fd
ln -s fd/0 $root/dev/stdin; ln -s fd/1 $root/dev/stdout; ln -s fd/2 $root/dev/stderr
mount -t tmpfs -o mode=1777 tmpfs $root/dev/shm
mount -t mqueue mqueue $root/dev/mqueue
[ -z "$TMP_IS_TMPFS" ] || mount -t tmpfs -o mode=1777 tmpfs $root/tmp
hostname guest-test
busybox ip link set lo up
# Inside, who has CAP_NET_RAW may ping; here it is this.
echo 0 0 2>/dev/null >/proc/sys/net/ipv4/ping_group_range || true
ulimit -Sn 1024; ulimit -Hn 4096
cd $root
pivot_root . .
/bin/busybox umount -l .
cd /
exec /bin/busybox setsid "$@"
'''


def build_rootfs(root, binaries):
    for directory in ('bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tests', 'tmp', 'usr', 'var'):
        os.makedirs(os.path.join(root, directory))
    os.chmod(os.path.join(root, 'tmp'), 0o1777)
    os.chmod(root, 0o755)
    busybox = next(p for p in ('/bin/busybox', '/usr/bin/busybox') if os.path.exists(p))
    shutil.copy(busybox, os.path.join(root, 'bin/busybox'))
    for applet in ('sh', 'true', 'false', 'cat', 'echo', 'sleep', 'id', 'hostname'):
        os.symlink('busybox', os.path.join(root, 'bin', applet))
    for name, text in (('passwd', 'root:x:0:0:root:/root:/bin/sh\n'), ('group', 'root:x:0:\n')):
        with open(os.path.join(root, 'etc', name), 'w') as f:
            f.write(text)
    for binary in binaries:
        target = os.path.join(root, 'tests', os.path.basename(binary))
        shutil.copy(binary, target)
        os.chmod(target, 0o755)


def config(args, tmp_is_tmpfs):
    mounts = [
        {'destination': '/proc', 'type': 'proc', 'source': 'proc'},
        {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs',
         'options': ['nosuid', 'strictatime', 'mode=755', 'size=65536k']},
        {'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts',
         'options': ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']},
        {'destination': '/dev/shm', 'type': 'tmpfs', 'source': 'shm',
         'options': ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k']},
        {'destination': '/dev/mqueue', 'type': 'mqueue', 'source': 'mqueue', 'options': ['nosuid', 'noexec', 'nodev']},
    ]
    if tmp_is_tmpfs:
        mounts.append({'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['mode=1777']})
    sets = ('bounding', 'effective', 'permitted')
    return {
        'ociVersion': '1.0.2',
        'process': {
            'terminal': False,
            'user': {'uid': 0, 'gid': 0},
            'args': args,
            'env': ['PATH=/bin:/tests', 'HOME=/root', 'TERM=dumb'],
            'cwd': '/',
            'capabilities': {s: CAPABILITIES for s in sets},
            'rlimits': [{'type': t, 'soft': s, 'hard': h} for t, s, h in RLIMITS],
            'noNewPrivileges': False,
        },
        'root': {'path': 'rootfs', 'readonly': False},
        'hostname': 'guest-test',
        'mounts': mounts,
        'linux': {
            'namespaces': [{'type': t} for t in ('pid', 'ipc', 'uts', 'mount', 'network')],
            'resources': {'devices': [{'allow': True, 'access': 'rwm'}]},
        },
    }


def write_json(path, value):
    with open(path, 'w') as f:
        json.dump(value, f)


class Native:
    name = 'native'

    def __init__(self, root, tmp_is_tmpfs):
        self.root, self.tmp_is_tmpfs = root, tmp_is_tmpfs

    def start(self, args):
        env = dict(os.environ, PATH='/bin:/usr/bin:/sbin:/usr/sbin', TMP_IS_TMPFS='1' if self.tmp_is_tmpfs else '')
        command = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--ipc', '--uts', '--net',
                   'bash', '-c', NATIVE_SETUP, 'bash', self.root] + args
        return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, start_new_session=True)

    def stop(self, process):
        process.kill()


class Runtime:
    def __init__(self, work, root, command, flags, tmp_is_tmpfs):
        self.work, self.root, self.command, self.flags = work, root, command, flags
        self.tmp_is_tmpfs, self.count, self.ids = tmp_is_tmpfs, 0, {}
        self.name = os.path.basename(command)
        self.state = os.path.join(work, 'state')

    def base(self):
        return [self.command, '--root', self.state] + self.flags

    def start(self, args):
        self.count += 1
        name = 'guest-%d-%d' % (os.getpid(), self.count)
        bundle = os.path.join(self.work, name)
        os.mkdir(bundle)
        spec = config(args, self.tmp_is_tmpfs)
        spec['root']['path'] = self.root
        write_json(os.path.join(bundle, 'config.json'), spec)
        process = subprocess.Popen(self.base() + ['run', '--bundle', bundle, name], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.ids[process.pid] = name
        return process

    def stop(self, process):
        name = self.ids[process.pid]
        try:
            subprocess.run(self.base() + ['kill', name, 'KILL'], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=10)
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
        try:
            subprocess.run(self.base() + ['delete', '--force', name], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=10)
        except subprocess.TimeoutExpired:
            pass


def lines_of(process, silence):
    """The process's output by lines; None once when it stays silent for too long."""
    lines = queue.Queue()

    def read():
        for line in process.stdout:
            lines.put(line.decode(errors='replace'))
        lines.put('')

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=silence)
        except queue.Empty:
            yield None
            return
        if line == '':
            return
        yield line


def run_once(side, program, skip, silence, wanted):
    """One process; returns ({test: result}, {test: output}, whether it ran to its end)."""
    gtest_filter = (wanted or '*') + ('-' + ':'.join(sorted(skip)) if skip else '')
    process = side.start(['/tests/' + program, '--gtest_color=no', '--gtest_filter=' + gtest_filter])
    results, output, current, loose = {}, {}, None, []
    ended = hung = False
    for line in lines_of(process, silence):
        if line is None:
            hung = True
            side.stop(process)
            break
        started, finished = RUN.search(line), END.search(line)
        if started and not current:
            current, output[started.group(1)] = started.group(1), []
        elif finished and current == finished.group(2):
            results[current] = {'OK': 'passed', 'FAILED': 'failed', 'SKIPPED': 'skipped'}[finished.group(1)]
            current = None
        elif current:
            output[current].append(line)
        else:
            ended = ended or line.startswith('[==========]') and ' ran.' in line
            loose.append(line)
    try:
        status = process.wait(timeout=silence)
    except subprocess.TimeoutExpired:
        side.stop(process)
        status, hung = -1, True
    if current:
        results[current] = 'hung' if hung else 'crashed'
        output[current].append('(%s, status %s)\n' % (results[current], status))
    if not ended and not current:
        output['(program)'] = loose[-20:] + ['(ended outside of a test with status %s)\n' % status]
    return results, output, ended


def run_program(side, program, silence, wanted):
    results, output = {}, {}
    for _ in range(200):
        skip = set(results)
        more, text, ended = run_once(side, program, skip, silence, wanted)
        results.update(more)
        output.update(text)
        if ended:
            break
        if not more:
            results['(program)'] = 'crashed'
            break
    return results, output


def read_gaps(path, variant):
    """Lines of `Suite.Test # reason` or, for one variant only, `Suite.Test @variant # reason`."""
    gaps = {}
    if not os.path.exists(path):
        return gaps
    with open(path) as f:
        for line in f:
            entry, _, reason = line.partition('#')
            words = entry.split()
            if words and (len(words) == 1 or words[1] == '@' + variant):
                gaps[words[0]] = reason.strip()
    return gaps


def compare(native, inside, gaps):
    """Sorts the tests of one program into verdicts."""
    verdicts = {}
    for test in sorted(set(native) | set(inside)):
        want, got = native.get(test, 'missing'), inside.get(test, 'missing')
        same = want == got
        if test in ('(program)', '(sanitizer)') and want == 'missing':
            verdicts[test] = 'differs'
        elif want not in ('passed', 'skipped'):
            verdicts[test] = 'native-' + want
        elif test in gaps:
            verdicts[test] = 'unexpected-pass' if same else 'known-gap'
        else:
            verdicts[test] = 'same' if same else 'differs'
    return verdicts


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runtime', help='path or name of the OCI runtime')
    parser.add_argument('programs', nargs='*', help='names of test programs (default: all)')
    parser.add_argument('--bin-dir', default=os.path.join(HERE, '../../bazel-bin/test/guest'),
                        help='where the built test programs are')
    parser.add_argument('--runtime-flag', action='append', default=[], help='a global flag for the runtime')
    parser.add_argument('--tmp', choices=['tmpfs', 'root'], default='tmpfs',
                        help='/tmp as a tmpfs or as a directory of the root file system')
    parser.add_argument('--filter', default='', help='a --gtest_filter without exclusions')
    parser.add_argument('--silence', type=float, default=60, help='seconds without output that count as a hang')
    parser.add_argument('--jobs', type=int, default=1, help='programs to run at the same time')
    parser.add_argument('--known-gaps', default=os.path.join(HERE, 'known_gaps.txt'))
    parser.add_argument('--json', help='write all results to this file')
    parser.add_argument('--list-differences', action='store_true', help='print the bare names of what differs')
    parser.add_argument('--quiet', action='store_true', help='do not print the output of tests that differ')
    return parser.parse_args()


def find_programs(options):
    names = sorted(n for n in os.listdir(options.bin_dir) if n.endswith('_test'))
    if options.programs:
        wanted = {p if p.endswith('_test') else p + '_test' for p in options.programs}
        missing = wanted - set(names)
        if missing:
            sys.exit('no such program: ' + ', '.join(sorted(missing)))
        names = [n for n in names if n in wanted]
    return names


def retry_differences(options, name, sides, answer, gaps):
    """Runs what differs once more, alone: on a busy machine a watchdog of either side may have been too impatient. What
    then is the same is counted so, and named, since a difference that comes and goes is a defect too."""
    native, inside = answer[0][0], answer[1][0]
    verdicts = compare(native, inside, gaps)
    again = [test for test, verdict in verdicts.items() if verdict == 'differs' and test != '(program)']
    if not again or len(again) > 20:
        return
    for (results, output), side in zip(answer, sides):
        more, text = run_program(side, name, options.silence, ':'.join(again))
        results.update({test: more[test] for test in again if test in more})
        output.update(text)
    for test in again:
        if native.get(test) == inside.get(test):
            print('UNSTEADY %s: differed in the first run only' % test, flush=True)


def note_reports(reports, name, inside):
    """A report of a sanitizer counts as a test that only failed inside. With --jobs it may be of a program beside."""
    text = reports.take()
    if text:
        inside[0]['(sanitizer)'] = 'reported'
        inside[1]['(sanitizer)'] = text.splitlines(keepends=True)
        print('reports of a sanitizer, %s:\n%s' % (name, text), flush=True)


def run_all(options, names, sides, gaps, reports):
    """{program: ((native results, output), (inside results, output))}"""
    answers, todo = {}, queue.Queue()
    for name in names:
        todo.put(name)

    def work():
        while True:
            try:
                name = todo.get_nowait()
            except queue.Empty:
                return
            begin = time.monotonic()
            answers[name] = tuple(run_program(side, name, options.silence, options.filter) for side in sides)
            retry_differences(options, name, sides, answers[name], gaps)
            note_reports(reports, name, answers[name][1])
            print('ran %s (%.1f s)' % (name, time.monotonic() - begin), file=sys.stderr, flush=True)

    threads = [threading.Thread(target=work) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def report(options, answers, gaps):
    total, everything, bad_names = {}, {}, []
    for name, ((native, native_out), (inside, inside_out)) in sorted(answers.items()):
        verdicts = compare(native, inside, gaps)
        counts = {}
        for test, verdict in verdicts.items():
            counts[verdict] = counts.get(verdict, 0) + 1
            total[verdict] = total.get(verdict, 0) + 1
            everything[name + ':' + test] = [native.get(test, 'missing'), inside.get(test, 'missing'), verdict]
            if verdict in ('same', 'known-gap'):
                continue
            bad_names.append(test)
            missing = 'missing' in (native.get(test, 'missing'), inside.get(test, 'missing'))
            if missing and '(program)' in verdicts and test != '(program)':
                continue  # The program did not even start: said once.
            print('%s %s: native %s, inside %s' % (verdict.upper(), test, native.get(test, 'missing'),
                                                   inside.get(test, 'missing')))
            if not options.quiet:
                text = native_out if verdict.startswith('native') else inside_out
                sys.stdout.write(''.join('    ' + line for line in text.get(test, [])[:30]))
        print('%-24s %s' % (name, ', '.join('%d %s' % (n, v) for v, n in sorted(counts.items()))))
    if options.list_differences:
        print('\n'.join(bad_names))
    if options.json:
        with open(options.json, 'w') as f:
            json.dump(everything, f, indent=1)
    good = total.get('same', 0) + total.get('known-gap', 0)
    bad = sum(total.values()) - good
    print('guest tests: %d passed, %d failed, %d known gaps' % (total.get('same', 0), bad, total.get('known-gap', 0)))
    return bad == 0 and good > 0


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    runtime = shutil.which(options.runtime)
    if not runtime:
        sys.exit('no runtime ' + options.runtime)
    names = find_programs(options)
    reports = sanitizer.Reports(os.path.abspath(runtime))
    work = tempfile.mkdtemp(prefix='guest-tests.')
    os.chmod(work, 0o755)
    try:
        roots = [os.path.join(work, side) for side in ('native', 'inside')]
        for root in roots:
            build_rootfs(root, [os.path.join(options.bin_dir, n) for n in names])
        tmpfs = options.tmp == 'tmpfs'
        sides = [Native(roots[0], tmpfs),
                 Runtime(work, roots[1], os.path.abspath(runtime), options.runtime_flag, tmpfs)]
        gaps = read_gaps(options.known_gaps, options.tmp)
        answers = run_all(options, names, sides, gaps, reports)
        ok = report(options, answers, gaps)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        reports.close()
    sys.exit(0 if ok else 1)


if __name__ == '__main__':
    main()
