"""containerd with its own shim for runc: containers of ctr, and pods by the annotations of its CRI plugin."""
import json
import os
import re
import subprocess

import engine
import harness

CONFIG = '''
version = 2
root = "{work}/root"
state = "{work}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.opt"]
[grpc]
  address = "{work}/containerd.sock"
[ttrpc]
  address = "{work}/ttrpc.sock"
'''
LOOP = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done'
CRI = 'io.kubernetes.cri.'


class Containerd(engine.Engine):
    @classmethod
    def start_engine(cls):
        config = os.path.join(cls.work, 'config.toml')
        with open(config, 'w') as f:
            f.write(CONFIG.format(work=cls.work))
        with open(os.path.join(cls.work, 'log'), 'w') as log:
            cls.daemon = subprocess.Popen(['containerd', '--config', config], stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=subprocess.STDOUT)
        harness.wait_until(lambda: cls.call('version').returncode == 0, 'containerd answers')
        archive = os.path.join(cls.work, 'image.tar')
        engine.write_image(archive)
        cls.ok('image', 'import', '--snapshotter', 'native', archive)

    @classmethod
    def stop_engine(cls):
        cls.daemon.terminate()
        cls.daemon.wait(harness.PATIENCE)

    @classmethod
    def command(cls, *words):
        return ['ctr', '--address', os.path.join(cls.work, 'containerd.sock'), '--namespace', cls.name] + list(words)

    def setUp(self):
        self.ids = []

    def tearDown(self):
        for name in reversed(self.ids):
            self.call('task', 'kill', '--signal', 'KILL', name)
            harness.wait_until(lambda: self.status(name) in (None, 'STOPPED'), name + ' stops')
            self.call('task', 'rm', name)
            self.call('container', 'rm', name)

    def words(self, name, *flags):
        """`run` without the program: of a container that the test removes at its end."""
        self.ids.append(name)
        return ('run', '--snapshotter', 'native', '--runc-binary', harness.RUNSC, '--runc-root',
                os.path.join(self.work, 'runc'), *flags, engine.IMAGE, name)

    def run_to_end(self, name, *program, flags=()):
        return self.call(*self.words(name, '--rm', *flags), *program)

    def start(self, name, *program, flags=()):
        self.ok(*self.words(name, '--detach', *flags), *program, stdout_to_file=True)

    @classmethod
    def ok(cls, *words, stdout_to_file=False, **options):
        # What stays behind holds its standard descriptors open: no pipes.
        if not stdout_to_file:
            return super().ok(*words, **options)
        with open(os.path.join(cls.work, 'output'), 'w+') as out:
            status = subprocess.run(cls.command(*words), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    timeout=harness.PATIENCE, check=False).returncode
            out.seek(0)
            if status != 0:
                raise AssertionError('%s: %d: %s' % (words, status, out.read()))
        return ''

    def tasks(self):
        rows = [line.split() for line in self.ok('task', 'ls').splitlines()[1:]]
        return {row[0]: (int(row[1]), row[2]) for row in rows}

    def status(self, name):
        return self.tasks().get(name, (0, None))[1]

    def pid(self, name):
        return self.tasks()[name][0]

    def exec(self, name, *program, flags=()):
        return self.ok('task', 'exec', '--exec-id', 'e%d' % next(self.numbers), *flags, name, *program)

    numbers = iter(range(1, 10000))

    def metrics(self, name):
        rows = [line.split(None, 1) for line in self.ok('task', 'metrics', name).splitlines()]
        return dict(row for row in rows if len(row) == 2)

    def kill(self, name, number='KILL'):
        self.ok('task', 'kill', '--signal', number, name)
        harness.wait_until(lambda: self.status(name) == 'STOPPED', name + ' stops')

    def remove(self, name):
        """Removes what has stopped; its exit status."""
        result = self.call('task', 'rm', name)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.ok('container', 'rm', name)
        self.ids.remove(name)
        said = re.search(r'exit with non-zero exit code (\d+)', result.stderr)
        return int(said.group(1)) if said else 0


class Containers(Containerd):
    def test_run(self):
        result = self.run_to_end('run', '/bin/sh', '-c', 'cat /var/seed; id -u; echo error >&2; exit 3')
        self.assertEqual((result.returncode, result.stdout), (3, 'of the image\n0\n'))
        self.assertIn('error', result.stderr)
        self.assertEqual(self.tasks(), {})

    def test_is_sandboxed(self):
        self.start('kernel', '/bin/sleep', '1000')
        release = self.exec('kernel', '/bin/uname', '-a')
        self.assertIn('runsc', release)
        with open('/proc/%d/status' % self.pid('kernel')) as f:
            status = f.read()
        self.assertRegex(status, r'Seccomp:\s+2')
        self.assertRegex(status, r'CapEff:\s+0+\n')

    def test_what_is_configured(self):
        flags = ('--env', 'WORD=x', '--cwd', '/tmp', '--read-only', '--mount',
                 'type=bind,src=%s,dst=/data,options=rbind:ro' % self.work)
        result = self.run_to_end('flags', '/bin/sh', '-c', 'echo $WORD; pwd; ls /data/config.toml; touch /data/x '
                                 '|| touch /var/x || echo refused', flags=flags)
        self.assertEqual(result.stdout, 'x\n/tmp\n/data/config.toml\nrefused\n', result.stderr)

    def test_missing_program(self):
        result = self.run_to_end('missing', '/bin/nothing')
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('"/bin/nothing": stat /bin/nothing: no such file or directory', result.stderr)

    def test_terminal(self):
        person = self.person(*self.words('tty', '--rm', '--tty'), '/bin/sh')
        person.expect(rb'# ')
        person.resize(33, 99)
        person.type('until [ "$(stty size)" = "33 99" ]; do sleep 0.1; done; tty\n')
        person.expect(rb'\n/dev/')
        person.expect(rb'# ')
        self.use_shell(person)

    def test_life(self):
        self.start('life', '/bin/sh', '-c', LOOP)
        self.assertEqual(self.status('life'), 'RUNNING')
        self.assertIn('while :', self.exec('life', '/bin/ps'))
        result = self.call('task', 'exec', '--exec-id', 'failing', 'life', '/bin/sh', '-c', 'exit 5')
        self.assertEqual(result.returncode, 5, result.stderr)
        self.kill('life', 'TERM')
        self.assertEqual(self.remove('life'), 7)

    def test_exec_with_terminal(self):
        self.start('etty', '/bin/sleep', '1000')
        self.leave_shell(self.person('task', 'exec', '--tty', '--exec-id', 'shell', 'etty', '/bin/sh'))

    def test_pause(self):
        self.start('pause', '/bin/sleep', '1000')
        self.ok('task', 'pause', 'pause')
        self.assertEqual(self.status('pause'), 'PAUSED')
        self.assertIn('paused', self.fails('task', 'exec', '--exec-id', 'no', 'pause', '/bin/true'))
        self.ok('task', 'resume', 'pause')
        self.assertEqual(self.status('pause'), 'RUNNING')
        self.assertEqual(self.exec('pause', '/bin/echo', 'on'), 'on\n')

    def test_processes_and_metrics(self):
        self.start('count', '/bin/sleep', '1000', flags=('--memory-limit', str(256 << 20)))
        listed = [int(line.split()[0]) for line in self.ok('task', 'ps', 'count').splitlines()[1:]]
        self.assertEqual(len(listed), 1)
        self.assertTrue(harness.is_alive(listed[0]))
        metrics = self.metrics('count')
        self.assertEqual(int(metrics['memory.limit_in_bytes']), 256 << 20)
        self.assertGreater(int(metrics['memory.usage_in_bytes']), 0)
        self.assertGreater(int(metrics['cpuacct.usage']), 0)

    def test_killed_outside(self):
        self.start('gone', '/bin/sleep', '1000')
        os.kill(self.pid('gone'), 9)
        harness.wait_until(lambda: self.status('gone') == 'STOPPED', 'containerd sees the end')
        self.assertEqual(self.remove('gone'), 137)


class Pods(Containerd):
    def setUp(self):
        super().setUp()
        self.pod = 'pod%d' % next(self.numbers)
        self.start(self.pod, '/bin/sh', '-c', LOOP, flags=self.annotations('sandbox'))
        self.pod_pid = self.pid(self.pod)

    def annotations(self, kind):
        return ('--annotation', CRI + 'container-type=' + kind, '--annotation', CRI + 'sandbox-id=' + self.pod)

    def join(self, name, *program, share=('network', 'ipc', 'uts')):
        paths = {'network': 'net'}
        flags = self.annotations('container')
        for kind in share:
            flags += ('--with-ns', '%s:/proc/%d/ns/%s' % (kind, self.pod_pid, paths.get(kind, kind)))
        self.start(name, *program, flags=flags)

    def shims(self):
        out = []
        for pid in harness.children(os.getpid()):
            with open('/proc/%d/cmdline' % pid) as f:
                if 'containerd-shim' in f.read().split('\0')[0]:
                    out.append(pid)
        return out

    def test_one_shim_and_one_sandbox(self):
        self.join('first', '/bin/sleep', '1000')
        self.join('second', '/bin/sleep', '1000')
        self.assertEqual(len(self.shims()), 1)
        self.assertEqual({status for _, status in self.tasks().values()}, {'RUNNING'})
        # One kernel: what the containers share of it has the same identity.
        for kind in ('net', 'ipc', 'uts'):
            link = ('/bin/readlink', '/proc/self/ns/' + kind)
            self.assertEqual(self.exec('first', *link), self.exec('second', *link))
        self.assertNotEqual(*(self.exec(name, '/bin/readlink', '/proc/self/ns/pid') for name in ('first', 'second')))
        for name in ('first', 'second'):
            self.assertEqual(self.exec(name, '/bin/ps').count('sleep'), 1)

    def test_the_end_of_one_leaves_the_others(self):
        self.join('ends', '/bin/sh', '-c', LOOP)
        self.join('stays', '/bin/sleep', '1000')
        result = self.call('task', 'exec', '--exec-id', 'failing', 'ends', '/bin/sh', '-c', 'exit 5')
        self.assertEqual(result.returncode, 5)
        self.ok('task', 'pause', 'ends')
        self.assertEqual((self.status('ends'), self.status('stays')), ('PAUSED', 'RUNNING'))
        self.assertEqual(self.exec('stays', '/bin/echo', 'alive'), 'alive\n')
        self.ok('task', 'resume', 'ends')
        self.kill('ends', 'TERM')
        self.assertEqual(self.remove('ends'), 7)
        self.assertEqual((self.status('stays'), self.status(self.pod)), ('RUNNING', 'RUNNING'))
        self.assertEqual(self.exec('stays', '/bin/echo', 'alive'), 'alive\n')
        self.join('ends', '/bin/true')
        harness.wait_until(lambda: self.status('ends') == 'STOPPED', 'the second one of this name ends')
        self.assertEqual(self.remove('ends'), 0)

    def test_the_sandbox_takes_all_along(self):
        self.join('member', '/bin/sleep', '1000')
        self.kill(self.pod, 'TERM')
        harness.wait_until(lambda: self.status('member') == 'STOPPED', 'the member ends')
        self.assertEqual((self.remove('member'), self.remove(self.pod)), (137, 7))

    def test_ipc(self):
        self.join('shares', '/bin/sleep', '1000')
        self.join('alone', '/bin/sleep', '1000', share=('network', 'uts'))
        numbers = [self.exec(name, '/bin/readlink', '/proc/self/ns/ipc') for name in (self.pod, 'shares', 'alone')]
        self.assertEqual(numbers[0], numbers[1])
        self.assertNotEqual(numbers[0], numbers[2])
        self.exec(self.pod, '/bin/touch', '/dev/mqueue/queue')
        self.assertEqual(self.exec('shares', '/bin/ls', '/dev/mqueue'), 'queue\n')
        self.assertEqual(self.exec('alone', '/bin/ls', '/dev/mqueue'), '')

    def test_processes_and_metrics(self):
        self.join('counted', '/bin/sh', '-c', 'while :; do :; done')
        listed = [int(line.split()[0]) for line in self.ok('task', 'ps', 'counted').splitlines()[1:]]
        self.assertEqual(len(listed), 1)
        of_pod = [int(line.split()[0]) for line in self.ok('task', 'ps', self.pod).splitlines()[1:]]
        self.assertNotIn(listed[0], of_pod)
        def use(name):
            stats = json.loads(subprocess.run(
                [harness.RUNSC, '--root', os.path.join(self.work, 'runc', self.name), 'events', '--stats', name],
                check=True, stdout=subprocess.PIPE).stdout)['data']
            return stats['cpu']['usage']['total'], stats['memory']['usage']['usage'], stats['pids']['current']
        before = use('counted')[0]
        # It uses a processor, and that is counted as its own.
        harness.wait_until(lambda: use('counted')[0] > before + 200_000_000, 'its use grows')
        _, memory, processes = use('counted')
        self.assertGreater(memory, 100_000)
        self.assertEqual(processes, 1)

    def test_wrong_sandbox(self):
        self.pod, right = 'other', self.pod
        try:
            with self.assertRaisesRegex(AssertionError, 'sandbox "other": container does not exist'):
                self.join('lost', '/bin/true')
        finally:
            self.pod = right
