"""What the end-to-end tests share: bundles, running `runsc`, and proof that nothing is left behind."""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import sanitizer

RUNSC = os.environ.get('RUNSC', '')
SANITIZERS = sanitizer.of(RUNSC)
PR_SET_CHILD_SUBREAPER = 36
# For limits of memory. A sandbox with a sanitizer takes some hundred megabytes by itself: there they are larger.
MEMORY_SCALE = 16 if SANITIZERS else 1
MIB = MEMORY_SCALE << 20
# For waits that end as soon as something happens; a test fails when it does not happen at all. An emulated machine needs
# more.
PATIENCE = float(os.environ.get('RUNSC_TEST_PATIENCE', 60))


def become_subreaper():
    """Every process that loses its parent becomes our child: none can hide from the checks at the end of a test."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl')


def take_mounts():
    """A mount namespace of our own, so that what others mount meanwhile is not taken for something left behind. Its
    mounts are shared, as on a host with systemd: what the runtime does not keep to itself shows here."""
    new_namespace, recursive, private, shared = 0x20000, 0x4000, 1 << 18, 1 << 20
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_namespace) != 0:
        raise OSError(ctypes.get_errno(), 'unshare')
    for propagation in (private, shared):
        if libc.mount(None, b'/', None, ctypes.c_ulong(recursive | propagation), None) != 0:
            raise OSError(ctypes.get_errno(), 'mount')


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError('never: ' + what)


def children(pid):
    out = []
    for task in os.listdir('/proc/%d/task' % pid):
        try:
            with open('/proc/%d/task/%s/children' % (pid, task)) as f:
                out += [int(word) for word in f.read().split()]
        except OSError:
            pass
    return out


def contained_children(pid):
    """{'boot': pid, 'gofer': pid}: what a command has started of a container by now."""
    out = {}
    for child in children(pid):
        try:
            with open('/proc/%d/cmdline' % child, 'rb') as f:
                words = f.read().split(b'\0')
        except OSError:
            continue
        if len(words) > 1 and words[0] == b'runsc' and words[1] in (b'boot', b'gofer'):
            out[words[1].decode()] = child
    return out


def is_alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            fields = f.read().rpartition(')')[2].split()
        # The thread that leads is a zombie for as long as others are still ending.
        return fields[0] not in 'ZX' or int(fields[17]) > 1
    except OSError:
        return False


class Result(unittest.TextTestResult):
    """Counts each subtest that fails once and each test that passes once. A report of a sanitizer is a failure."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def startTest(self, test):
        super().startTest(test)
        self.passed_before = self.passed

    def stopTest(self, test):
        super().stopTest(test)
        text = self.reports.take()
        if text:
            self.passed = self.passed_before
            self.addFailure(test, (AssertionError, AssertionError('reports of a sanitizer:\n' + text), None))


def run_tests(folder, names, title):
    """Runs the named tests of a folder, or all of them, says how many passed, and ends the program."""
    become_subreaper()
    reports = Result.reports = sanitizer.Reports(RUNSC)
    names = names or sorted(n[:-3] for n in os.listdir(folder) if n.endswith('_test.py'))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    reports.close()
    failed = len(result.failures) + len(result.errors)
    print('%s: %d passed, %d failed' % (title, result.passed, failed))
    sys.exit(0 if failed == 0 and result.passed > 0 else 1)


def build_rootfs(path):
    for name in ('bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'data'):
        os.makedirs(os.path.join(path, name))
    os.chmod(os.path.join(path, 'tmp'), 0o1777)
    busybox = next(p for p in ('/bin/busybox', '/usr/bin/busybox') if os.path.exists(p))
    shutil.copy(busybox, os.path.join(path, 'bin/busybox'))
    for applet in ('sh cat cp echo env false hostname id kill ls mount mkdir ps pwd rm sleep stty touch trap true tty '
                   'umask wc').split():
        os.symlink('busybox', os.path.join(path, 'bin', applet))
    for name, text in (('passwd', 'root:x:0:0:root:/root:/bin/sh\n'), ('group', 'root:x:0:\n')):
        with open(os.path.join(path, 'etc', name), 'w') as f:
            f.write(text)


def config(args):
    return {
        'ociVersion': '1.2.0',
        'process': {
            'terminal': False,
            'user': {'uid': 0, 'gid': 0},
            'args': args,
            'env': ['PATH=/bin', 'TERM=dumb'],
            'cwd': '/',
            'capabilities': {},
        },
        'root': {'path': 'rootfs', 'readonly': False},
        'hostname': 'e2e',
        'mounts': [
            {'destination': '/proc', 'type': 'proc', 'source': 'proc'},
            {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'mode=755']},
            {'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts',
             'options': ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']},
            {'destination': '/dev/shm', 'type': 'tmpfs', 'source': 'shm', 'options': ['mode=1777']},
        ],
        'linux': {'namespaces': [{'type': t} for t in ('pid', 'ipc', 'uts', 'mount', 'network')]},
    }


class Case(unittest.TestCase):
    """One test: a directory of its own, a state root of its own, and afterwards nothing of it on the machine."""

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix='runsc-e2e.')
        os.chmod(self.work, 0o755)
        self.root = os.path.join(self.work, 'state')
        self.mounts_before = self.mounts()
        self.count = 0

    def tearDown(self):
        try:
            self.assert_nothing_left()
        finally:
            for pid in children(os.getpid()):
                os.kill(pid, signal.SIGKILL)
            self.reap()
            shutil.rmtree(self.work)

    def mounts(self):
        with open('/proc/self/mountinfo') as f:
            points = [line.split(' - ')[0].split()[4] for line in f]
        # What others mount in temporary directories of their own comes and goes meanwhile.
        others = os.path.dirname(self.work) + '/'
        return sorted(point for point in points if not point.startswith(others) or point.startswith(self.work))

    def reap(self):
        """Collects what has ended; true when no child is left."""
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    return False
            except ChildProcessError:
                return True

    def assert_nothing_left(self, containers=()):
        wait_until(self.reap, 'all processes of the sandbox are gone; left: %s' % children(os.getpid()))
        self.assertEqual([mount for mount in self.mounts() if mount not in self.mounts_before], [])
        left = sorted(os.listdir(self.root)) if os.path.exists(self.root) else []
        self.assertEqual(left, sorted(containers))

    def bundle(self, args=('true',), change=None):
        """A directory with config.json, which `change` may edit, and a root of busybox."""
        self.count += 1
        path = os.path.join(self.work, 'bundle%d' % self.count)
        build_rootfs(os.path.join(path, 'rootfs'))
        spec = config(list(args))
        if change:
            spec = change(spec) or spec
        with open(os.path.join(path, 'config.json'), 'w') as f:
            json.dump(spec, f)
        return path

    def command(self, *words):
        return [RUNSC, '--root', self.root] + list(words)

    def runsc(self, *words, **options):
        """Runs a command to its end."""
        options.setdefault('stdin', subprocess.DEVNULL)
        if 'input' in options:
            del options['stdin']
        return subprocess.run(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE, **options)

    def run_bundle(self, args, change=None, flags=(), **options):
        """`runsc run` of a program in a new bundle."""
        return self.runsc(*flags, 'run', '--bundle', self.bundle(args, change), 'c%d' % (self.count + 1), **options)

    def start(self, *words, **options):
        options.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.Popen(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                **options)

    def state(self, name):
        """The state file of a container, for the process ids in it; None when there is none (yet)."""
        try:
            with open(os.path.join(self.root, name, 'state.json')) as f:
                return json.load(f)
        except OSError:
            return None

    def wait_running(self, name, process=None):
        """The state of the container once it runs; fails at once with the error of `process` when that ends instead."""
        def check():
            state = self.state(name)
            if state and state['status'] == 'running':
                return state
            if process and process.poll() is not None:
                self.fail('%s does not run: %s' % (name, process.communicate()[1]))
        return wait_until(check, name + ' runs')

    def finish(self, process):
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def assert_one_error(self, result, text):
        self.assertNotEqual(result.returncode, 0)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith('runsc: '), lines[0])
        self.assertIn(text, lines[0])
        self.assertEqual(result.stdout, '')
