"""Podman: containers, pods, and what `generate kube` and `play kube` make of them; as root, and as an ordinary user."""
import json
import os
import re
import shutil
import subprocess

import engine
import harness

LOOP = 'trap "exit 7" TERM; echo out; echo err >&2; while :; do sleep 0.1; done'


class Podman(engine.Engine):
    """Podman with storage, state and a network of its own."""

    @classmethod
    def start_engine(cls):
        cls.environment = dict(os.environ, CONTAINERS_CONF=os.path.join(cls.work, 'containers.conf'))
        cls.environment.pop('XDG_RUNTIME_DIR', None)
        for name in ('root', 'run', 'tmp', 'networks'):
            os.mkdir(os.path.join(cls.work, name))
        with open(cls.environment['CONTAINERS_CONF'], 'w') as f:
            # The helpers' default directories; what is not named here is as Debian has it.
            f.write('[engine]\nevents_logger = "file"\n[network]\nnetwork_backend = "cni"\n')
        archive = os.path.join(cls.work, 'image.tar')
        engine.write_image(archive)
        cls.ok('load', '--input', archive)
        cls.ok('network', 'create', '--subnet', '10.231.%d.0/24' % (os.getpid() % 250), cls.name)

    @classmethod
    def stop_engine(cls):
        cls.ok('pod', 'rm', '--all', '--force')
        cls.ok('rm', '--all', '--force')
        cls.ok('network', 'rm', '--force', cls.name)
        shutil.rmtree('/var/lib/cni/networks/' + cls.name, True)

    @classmethod
    def remove_rest(cls):
        cls.call('pod', 'rm', '--all', '--force', '--time', '0')
        cls.call('rm', '--all', '--force', '--time', '0')
        cls.call('network', 'rm', '--force', cls.name)
        super().remove_rest()

    @classmethod
    def is_of_container(cls, group):
        return os.path.basename(group).startswith('libpod-')

    @classmethod
    def command(cls, *words):
        directory = lambda name: os.path.join(cls.work, name)  # noqa: E731
        return ['podman', '--root', directory('root'), '--runroot', directory('run'), '--tmpdir', directory('tmp'),
                '--network-config-dir', directory('networks'), '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs',
                '--runtime', harness.RUNSC] + list(words)

    @classmethod
    def call(cls, *words, **options):
        return super().call(*words, env=cls.environment, **options)

    @classmethod
    def run_words(cls, flags):
        """`run` as far as it is the same for all: where what it makes belongs."""
        network = () if '--network' in flags else ('--network', cls.name)
        return ('run', '--cgroup-parent', '/' + cls.name, *network, *flags, engine.IMAGE)

    @classmethod
    def start(cls, name, *program, flags=()):
        cls.ok(*cls.run_words(('--detach', '--name', name, *flags)), *program)

    def tearDown(self):
        self.ok('pod', 'rm', '--all', '--force', '--time', '0')
        self.ok('rm', '--all', '--force', '--time', '0')

    def state(self, name):
        return json.loads(self.ok('inspect', '--format', '{{json .State}}', name))

    def run_to_end(self, *program, flags=()):
        return self.call(*self.run_words(('--rm', *flags)), *program)

    def person(self, *words):
        os.environ['CONTAINERS_CONF'] = self.environment['CONTAINERS_CONF']
        try:
            return super().person(*words)
        finally:
            del os.environ['CONTAINERS_CONF']


class Containers(Podman):
    def test_run(self):
        result = self.run_to_end('sh', '-c', 'cat /var/seed; uname -a; echo error >&2; exit 3')
        self.assertEqual((result.returncode, result.stderr), (3, 'error\n'))
        self.assertRegex(result.stdout, r'\Aof the image\nLinux .*runsc')

    def test_what_is_configured(self):
        flags = ('--user', '1000', '--workdir', '/var', '--env', 'WORD=x', '--hostname', 'named', '--tmpfs', '/fresh',
                 '--volume', self.work + ':/data:ro')
        result = self.run_to_end('sh', '-c', 'id -u; pwd; echo $WORD; hostname; ls /data/image.tar; '
                                 'mount | grep -c "on /fresh type tmpfs"; touch /data/x || echo refused', flags=flags)
        self.assertEqual(result.stdout, '1000\n/var\nx\nnamed\n/data/image.tar\n1\nrefused\n', result.stderr)

    def test_life(self):
        self.start('life', 'sh', '-c', LOOP)
        self.assertEqual(self.ok('exec', 'life', 'cat', '/var/seed'), 'of the image\n')
        self.assertEqual(self.call('exec', 'life', 'sh', '-c', 'exit 9').returncode, 9)
        self.assertEqual(self.call('exec', 'life', 'nothing').returncode, 127)
        self.assertEqual(self.ok('exec', '--user', '1000', '--workdir', '/tmp', 'life', 'sh', '-c', 'id -u; pwd'),
                         '1000\n/tmp\n')
        logs = self.call('logs', 'life')
        self.assertEqual((logs.stdout, logs.stderr), ('out\n', 'err\n'))
        self.ok('stop', 'life')
        self.assertEqual((self.state('life')['Status'], self.state('life')['ExitCode']), ('exited', 7))
        self.ok('start', 'life')
        self.assertEqual(self.state('life')['Status'], 'running')
        self.ok('kill', '--signal', 'KILL', 'life')
        self.assertEqual(self.ok('wait', 'life'), '137\n')
        self.ok('rm', 'life')
        self.assertNotEqual(self.call('container', 'exists', 'life').returncode, 0)

    def test_terminal(self):
        person = self.person(*self.run_words(('--rm', '--interactive', '--tty')), 'sh')
        person.expect(rb'# ')
        person.type('tty\n')
        person.expect(rb'\n/dev/')
        person.expect(rb'# ')
        self.use_shell(person)

    def test_exec_with_terminal(self):
        self.start('etty', 'sleep', '1000')
        self.leave_shell(self.person('exec', '--interactive', '--tty', 'etty', 'sh'))

    def test_read_only(self):
        # /tmp, /run and others are tmpfs then, with what the image has there.
        result = self.run_to_end('sh', '-c', 'cat /var/tmp/in-image; for f in /root /tmp /run /var/tmp /dev/shm; do '
                                 'touch $f/x 2>/dev/null && echo $f; done; ls -ld /tmp', flags=('--read-only',))
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[:5], ['in the image', '/tmp', '/run', '/var/tmp', '/dev/shm'], result.stdout)
        self.assertTrue(lines[5].startswith('drwxrwxrwt'), lines)

    def test_tmpfs_that_copies_up(self):
        result = self.run_to_end('sh', '-c', 'cat /var/seed; echo more >> /var/seed; ls -ld /var; df /var | tail -n 1',
                                 flags=('--tmpfs', '/var:size=1m,tmpcopyup'))
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[0], 'of the image')
        self.assertTrue(lines[1].startswith('drwxr-xr-x'), lines)
        self.assertRegex(lines[2], r'\Atmpfs\s+1024 ')

    def test_pause(self):
        self.start('pause', 'sleep', '1000')
        self.ok('pause', 'pause')
        self.assertEqual(self.state('pause')['Status'], 'paused')
        self.ok('unpause', 'pause')
        self.assertEqual(self.ok('exec', 'pause', 'echo', 'on'), 'on\n')

    def test_processes_and_stats(self):
        self.start('count', 'sh', '-c', 'while :; do :; done', flags=('--memory', '256m'))
        # Podman looks itself for what it knows; what ps(1) in the container is to find it asks the container.
        self.assertIn('while :', self.ok('top', 'count', '-o', 'pid,args'))
        stats = json.loads(self.ok('stats', '--no-stream', '--format', 'json', 'count'))[0]
        self.assertIn('268.4MB', stats['mem_usage'])
        self.assertGreater(int(stats['pids']), 0)

    def test_init(self):
        result = self.run_to_end('ps', '-o', 'pid,args', flags=('--init',))
        self.assertRegex(result.stdout, r'1 /run/podman-init -- ps')

    def test_network(self):
        self.start('server', 'sh', '-c', 'while :; do echo hello | nc -l -p 80; done')
        address = self.ok('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', 'server')
        result = self.run_to_end('sh', '-c', 'until nc %s 80; do sleep 0.1; done' % address.strip())
        self.assertEqual(result.stdout, 'hello\n', result.stderr)

    def test_namespaces_of_other_sandboxes(self):
        self.start('owner', 'sleep', '1000')
        result = self.run_to_end('ip', 'addr', flags=('--network', 'container:owner'))
        self.assertIn(self.ok('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
                              'owner').strip(), result.stdout)
        for kind in ('pid', 'ipc', 'uts'):
            result = self.run_to_end('true', flags=('--' + kind, 'container:owner'))
            self.assertEqual(result.returncode, 126, kind)
            self.assertIn('linux.namespaces: %s: ' % kind, result.stderr)
            self.assertIn('cannot be joined', result.stderr)


class Pods(Podman):
    def make(self, name):
        self.ok('pod', 'create', '--name', name, '--cgroup-parent', '/' + self.name, '--network', self.name)
        self.ok('run', '--detach', '--pod', name, '--name', name + '-web', engine.IMAGE, 'sh', '-c',
                'while :; do echo served | nc -l -p 8080; done')
        self.ok('run', '--detach', '--pod', name, '--name', name + '-other', engine.IMAGE, 'sh', '-c', LOOP)

    def test_two_containers(self):
        self.make('pair')
        web, other = 'pair-web', 'pair-other'
        self.assertEqual(self.ok('exec', other, 'hostname'), 'pair\n')
        # They are of one sandbox: the same network, hostname and System V IPC, each with its own processes and files.
        for kind in ('net', 'uts', 'ipc'):
            link = ('readlink', '/proc/self/ns/' + kind)
            self.assertEqual(self.ok('exec', web, *link), self.ok('exec', other, *link))
        self.assertNotIn('nc -l', self.ok('exec', other, 'ps'))
        self.assertEqual(self.ok('exec', other, 'sh', '-c', 'until nc 127.0.0.1 8080; do sleep 0.1; done'), 'served\n')
        self.assertEqual(self.call('exec', other, 'sh', '-c', 'exit 9').returncode, 9)
        self.ok('stop', other)
        self.assertEqual((self.state(other)['ExitCode'], self.state(web)['Status']), (7, 'running'))
        self.ok('start', other)
        self.ok('pause', other)
        self.assertEqual(self.state(web)['Status'], 'running')
        self.ok('unpause', other)
        self.ok('rm', '--force', '--time', '0', other)
        self.assertEqual(self.ok('exec', web, 'echo', 'alive'), 'alive\n')
        self.ok('pod', 'stop', '--time', '0', 'pair')
        self.ok('pod', 'start', 'pair')
        self.assertEqual(self.ok('exec', web, 'echo', 'again'), 'again\n')

    def test_statistics(self):
        """Of each container its own, by the cgroup in which its programs lie, and the pod's network."""
        self.make('counted')
        limit, shown = str(64 * harness.MIB), '1.074GB' if harness.SANITIZERS else '67.11MB'
        self.ok('run', '--detach', '--pod', 'counted', '--name', 'busy', '--memory', limit, engine.IMAGE, 'sh', '-c',
                'x=$(head -c 8000000 /dev/zero | tr "\\0" x); while :; do :; done')
        def of(name):
            return json.loads(self.ok('stats', '--no-stream', '--format', 'json', name))[0]
        def megabytes(text):
            value, unit = re.match(r'([0-9.]+)([kM]?B) / ', text).groups()
            return float(value) * {'B': 1e-6, 'kB': 1e-3, 'MB': 1}[unit]
        harness.wait_until(lambda: megabytes(of('busy')['mem_usage']) > 8, 'its memory is counted')
        busy, quiet = of('busy'), of('counted-other')
        self.assertLess(megabytes(busy['mem_usage']), 48 * harness.MEMORY_SCALE)
        self.assertTrue(busy['mem_usage'].endswith(' / ' + shown), busy)
        self.assertLess(megabytes(quiet['mem_usage']), 8 * harness.MEMORY_SCALE)
        harness.wait_until(lambda: float(of('busy')['cpu_percent'].rstrip('%')) > 5, 'its use of processors is counted')
        self.assertRegex(busy['net_io'], r'[0-9.]+k?B / [0-9.]+k?B')
        self.assertGreater(int(busy['pids']), 0)

    def test_kube(self):
        self.make('made')
        manifest = os.path.join(self.work, 'pod.yaml')
        self.ok('generate', 'kube', '--filename', manifest, 'made')
        self.ok('pod', 'rm', '--force', '--time', '0', 'made')
        self.ok('play', 'kube', '--network', self.name, manifest)
        names = self.ok('ps', '--format', '{{.Names}}').split()
        web = [name for name in names if name.endswith('web')][0]
        other = [name for name in names if name.endswith('other')][0]
        self.assertEqual(self.ok('exec', other, 'sh', '-c', 'until nc 127.0.0.1 8080; do sleep 0.1; done'), 'served\n')
        self.assertEqual(self.ok('exec', web, 'hostname'), 'made\n')
        self.ok('play', 'kube', '--down', manifest)

    def test_without_infra_container(self):
        self.ok('pod', 'create', '--infra=false', '--name', 'loose', '--cgroup-parent', '/' + self.name)
        result = self.call('run', '--rm', '--network', self.name, '--pod', 'loose', engine.IMAGE, 'echo', 'hello')
        self.assertEqual(result.stdout, 'hello\n', result.stderr)
