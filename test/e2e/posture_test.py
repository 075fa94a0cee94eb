"""What a sandbox's two processes may do, seen from outside. Anything more than is listed here fails."""
import ctypes
import os
import re
import signal

import harness
import sanitizer

NOBODY = 65534
GOFER_CAPABILITIES = 0x1f  # CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID
OWN_NAMESPACES = {'cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'}

# Descriptors by what they lead to. The boot process's own event descriptors have no path: they reach nothing.
BOOT_DESCRIPTORS = [
    r'/dev/null',
    r'/memfd:container-config( \(deleted\))?',
    r'/memfd:.*',                # the application's shared memory, overlays
    r'socket:\[\d+\]',           # control, gofer connections, report
    r'pipe:\[\d+\]',             # standard streams, the start gate
    r'anon_inode:.*',            # epoll, eventfd, timerfd, seccomp listeners, pidfds
    r'/',                        # the private procfs
    r'/1/net/\w+',               # tables of its own network namespace, through it, read-only
    r'/\d+/mem',                 # of its own agents, through it
    r'/dev/pts/\d+',
    r'/.*#\d+ \(deleted\)',      # overlay stores: unnamed files
]
# A build with a sanitizer is linked dynamically, looks at itself through /proc, and reports into a file.
RUNTIME_MOUNTS = {'/usr/lib', '/usr/lib64', '/proc'} if harness.SANITIZERS else set()
RUNTIME_ENTRIES = {'lib', 'lib64', 'proc', 'usr'} if harness.SANITIZERS else set()
REPORTS = [re.escape(os.environ[sanitizer.VARIABLE])] if harness.SANITIZERS else []
GOFER_DESCRIPTORS = [
    r'/dev/null',
    r'socket:\[\d+\]',
    r'pipe:\[\d+\]',
    r'/1/fd',                    # its own, for reopening
    r'anon_inode:inotify',       # what others change in shared mounts
    r'/(root|mnt\d+)(/.*)?',     # what it serves
]


def status(pid, task=None):
    with open('/proc/%d/task/%d/status' % (pid, task or pid)) as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)


def descriptors(pid):
    out = {}
    for fd in os.listdir('/proc/%d/fd' % pid):
        try:
            out[int(fd)] = os.readlink('/proc/%d/fd/%s' % (pid, fd))
        except OSError:
            pass
    return out


def namespaces(pid):
    return {name: os.readlink('/proc/%s/ns/%s' % (pid, name))
            for name in os.listdir('/proc/%s/ns' % pid) if not name.endswith('_for_children')}


def mounts(pid):
    with open('/proc/%d/mountinfo' % pid) as f:
        return [(line.split()[4], set(line.split()[5].split(',')), line.split(' - ')[1].split()[0]) for line in f]


def shares_descriptors(pid, other):
    """Whether two processes have one descriptor table (kcmp(2), KCMP_FILES)."""
    kcmp, files = 312, 2
    return ctypes.CDLL(None).syscall(kcmp, pid, other, files, 0, 0) == 0


class Posture(harness.Case):
    def setUp(self):
        super().setUp()
        shared = os.path.join(self.work, 'shared')
        os.mkdir(shared)

        def change(spec):
            spec['mounts'].append({'destination': '/data', 'type': 'bind', 'source': shared, 'options': ['rbind', 'ro']})
        # A program that does something while it is looked at: several processes, files, pipes.
        self.secret = os.open('/etc/passwd', os.O_RDONLY)
        os.set_inheritable(self.secret, True)
        self.process = self.start('run', '--bundle',
                                  self.bundle(['sh', '-c', 'sleep 1000 & cat /etc/passwd | cat; sleep 1000'], change),
                                  'c', close_fds=False, env=dict(os.environ, SECRET='hunter2'))
        self.state_file = self.wait_running('c', self.process)
        self.boot = self.state_file['boot']['pid']
        self.gofer = self.state_file['gofer']['pid']

    def tearDown(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        os.close(self.secret)
        # What a killed `run` leaves is cleared by the next command.
        harness.wait_until(lambda: not harness.is_alive(self.boot) and not harness.is_alive(self.gofer), 'both end')
        self.runsc('list')
        super().tearDown()

    def sandbox_processes(self):
        """The boot process and everything in its pid namespace: zygote, agents, application threads."""
        mine = os.readlink('/proc/%d/ns/pid' % self.boot)
        out = []
        for name in os.listdir('/proc'):
            try:
                if name.isdigit() and os.readlink('/proc/%s/ns/pid' % name) == mine:
                    out.append(int(name))
            except OSError:
                pass
        self.assertIn(self.boot, out)
        return out

    def each_status(self):
        """What the host says of the processes of the sandbox; those that end meanwhile are left out."""
        out = []
        for pid in self.sandbox_processes():
            try:
                out.append(status(pid))
            except OSError:
                self.assertNotEqual(pid, self.boot)
        self.assertGreaterEqual(len(out), 4)  # boot, zygote, an agent and its thread
        return out

    def test_capabilities_and_ids(self):
        for facts in self.each_status():
            self.assertEqual(facts['Uid'].split(), [str(NOBODY)] * 4)
            self.assertEqual(facts['Gid'].split(), [str(NOBODY)] * 4)
            self.assertEqual(facts['Groups'].strip(), '')
            for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
                self.assertEqual(int(facts[name], 16), 0, name)
            self.assertEqual(facts['NoNewPrivs'], '1')
        facts = status(self.gofer)
        for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
            self.assertEqual(int(facts[name], 16) & ~GOFER_CAPABILITIES, 0, name)
        self.assertEqual(facts['NoNewPrivs'], '1')
        self.assertEqual(facts['Groups'].strip(), '')

    def test_seccomp(self):
        for pid in (self.boot, self.gofer):
            self.assertEqual(status(pid)['Seccomp'], '2')
            for task in os.listdir('/proc/%d/task' % pid):
                try:
                    self.assertEqual(status(pid, int(task))['Seccomp'], '2')
                except OSError:
                    pass  # that thread has ended

    def test_namespaces(self):
        host = namespaces('self')
        boot, gofer = namespaces(self.boot), namespaces(self.gofer)
        self.assertEqual({n for n in host if boot[n] != host[n]}, OWN_NAMESPACES | {'user'})
        self.assertEqual({n for n in host if gofer[n] != host[n]} - {'user'}, OWN_NAMESPACES)
        self.assertEqual({n for n in OWN_NAMESPACES if boot[n] == gofer[n]}, set())
        for pid in (self.boot, self.gofer):
            self.assertEqual(status(pid)['NSpid'].split()[-1], '1')
            self.assertNotEqual(os.getsid(pid), os.getsid(0))

    def test_mounts(self):
        (point, flags, kind), = [mount for mount in mounts(self.boot) if mount[0] not in RUNTIME_MOUNTS]
        self.assertEqual((point, kind), ('/', 'tmpfs'))
        self.assertLessEqual({'ro', 'nosuid', 'nodev', 'noexec'}, flags)
        self.assertEqual(set(os.listdir('/proc/%d/root/' % self.boot)), RUNTIME_ENTRIES)
        seen = {point: flags for point, flags, _ in mounts(self.gofer) if point not in RUNTIME_MOUNTS}
        self.assertEqual(set(seen), {'/', '/root', '/mnt1'})
        for flags in seen.values():
            self.assertLessEqual({'nosuid', 'nodev'}, flags)
        self.assertIn('ro', seen['/'])
        self.assertIn('ro', seen['/mnt1'])
        self.assertIn('ro', seen['/root'], 'writes go to an overlay, so the gofer needs no right to write')
        self.assertEqual(set(os.listdir('/proc/%d/root/' % self.gofer)), {'mnt1', 'root'} | RUNTIME_ENTRIES)

    def test_descriptors(self):
        for pid, allowed in ((self.boot, BOOT_DESCRIPTORS + REPORTS), (self.gofer, GOFER_DESCRIPTORS + REPORTS)):
            for fd, target in descriptors(pid).items():
                # The files of the container's root that the gofer has donated to the kernel.
                donated = pid == self.boot and re.fullmatch(r'/(root|mnt\d+)(/.*)?', target)
                if donated:
                    self.assertFalse(os.path.isdir('/proc/%d/fd/%d' % (pid, fd)), 'a way to other files: ' + target)
                self.assertTrue(donated or any(re.fullmatch(p, target) for p in allowed), '%d -> %s' % (fd, target))
        secret = '/etc/passwd'
        self.assertNotIn(secret, descriptors(self.boot).values())

    def test_application_processes_have_no_descriptors(self):
        own = {self.boot}
        for pid in self.sandbox_processes():
            if pid in own or shares_descriptors(pid, self.boot):  # the zygote or an agent
                continue
            try:
                self.assertEqual(descriptors(pid), {}, pid)
            except OSError:
                pass  # it has ended

    def test_environment_and_limits(self):
        for pid in (self.boot, self.gofer):
            with open('/proc/%d/environ' % pid, 'rb') as f:
                self.assertEqual(f.read(), b'')
            with open('/proc/%d/limits' % pid) as f:
                limits = f.read()
            self.assertRegex(limits, r'Max core file size +0 +0 ')
            files = re.search(r'Max open files +(\d+) +(\d+) ', limits)
            self.assertEqual(files.group(1), files.group(2))

    def test_state_is_private(self):
        self.assertEqual(os.stat(os.path.join(self.root, 'c')).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(os.path.join(self.root, 'c/control.sock')).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(os.path.join(self.root, 'c/state.json')).st_mode & 0o777, 0o600)
