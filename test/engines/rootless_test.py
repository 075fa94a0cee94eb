"""Podman as an ordinary user: everything of the container belongs to that user's ids."""
import os
import pwd
import shutil
import signal
import subprocess

import engine
import harness

LOOP = 'trap "exit 7" TERM; echo out; while :; do sleep 0.1; done'


class Rootless(engine.Engine):
    """A user of its own, with ids to give to containers, for as long as the tests run."""

    @classmethod
    def start_engine(cls):
        cls.home = os.path.join(cls.work, 'home')
        subprocess.run(['useradd', '--create-home', '--home-dir', cls.home, cls.name], check=True)
        cls.addClassCleanup(subprocess.run, ['userdel', '--force', cls.name], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, check=False)
        cls.user = pwd.getpwnam(cls.name)
        os.mkdir(os.path.join(cls.home, 'runtime'), 0o700)
        os.chown(os.path.join(cls.home, 'runtime'), cls.user.pw_uid, cls.user.pw_gid)
        # Where the tests' runtime lies the user may not look.
        cls.program = os.path.join(cls.work, 'runsc')
        shutil.copy(harness.RUNSC, cls.program)
        archive = os.path.join(cls.work, 'image.tar')
        engine.write_image(archive)
        cls.ok('load', '--input', archive)

    @classmethod
    def stop_engine(cls):
        cls.ok('pod', 'rm', '--all', '--force', '--time', '0')
        cls.ok('rm', '--all', '--force', '--time', '0')
        cls.end_namespace()

    @classmethod
    def remove_rest(cls):
        cls.end_namespace()
        super().remove_rest()

    @classmethod
    def end_namespace(cls):
        """Podman leaves a process that holds the user's namespaces."""
        for pid in harness.children(os.getpid()):
            try:
                if os.stat('/proc/%d' % pid).st_uid == cls.user.pw_uid:
                    os.kill(pid, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                pass

    @classmethod
    def command(cls, *words):
        return ['podman', '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'file',
                '--runtime', cls.program] + list(words)

    @classmethod
    def call(cls, *words, **options):
        environment = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': cls.home, 'USER': cls.name,
                       'XDG_RUNTIME_DIR': os.path.join(cls.home, 'runtime')}
        return super().call(*words, env=environment, cwd=cls.home, user=cls.user.pw_uid, group=cls.user.pw_gid,
                            extra_groups=[], **options)

    def tearDown(self):
        self.ok('pod', 'rm', '--all', '--force', '--time', '0')
        self.ok('rm', '--all', '--force', '--time', '0')

    def test_run(self):
        result = self.call('run', '--rm', '--network', 'none', '--volume', self.home + ':/data', engine.IMAGE, 'sh', '-c',
                           'id -u; uname -a; touch /made /data/made; chown 5 /made; ls -ln /made; exit 3')
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertRegex(result.stdout, r'\A0\nLinux .*runsc.*\n-rw\S+ +1 +5 +0 ')
        self.assertEqual(os.stat(os.path.join(self.home, 'made')).st_uid, self.user.pw_uid)

    def test_life(self):
        self.ok('run', '--detach', '--name', 'life', '--network', 'none', engine.IMAGE, 'sh', '-c', LOOP)
        self.assertEqual(self.ok('exec', '--user', '1000', 'life', 'id', '-u'), '1000\n')
        self.assertEqual(self.call('exec', 'life', 'sh', '-c', 'exit 9').returncode, 9)
        self.assertEqual(self.ok('logs', 'life'), 'out\n')
        pid = int(self.ok('inspect', '--format', '{{.State.Pid}}', 'life'))
        self.assertNotEqual(os.stat('/proc/%d' % pid).st_uid, 0)
        self.ok('stop', 'life')
        self.assertEqual(self.ok('inspect', '--format', '{{.State.ExitCode}}', 'life'), '7\n')

    def test_read_only(self):
        result = self.call('run', '--rm', '--network', 'none', '--read-only', engine.IMAGE, 'sh', '-c',
                           'cat /var/tmp/in-image; touch /tmp/x && touch /x || echo refused')
        self.assertEqual(result.stdout, 'in the image\nrefused\n', result.stderr)

    def test_network_of_another(self):
        self.ok('run', '--detach', '--name', 'owner', '--network', 'none', engine.IMAGE, 'sh', '-c',
                'while :; do echo hello | nc -l -p 80; done')
        result = self.call('run', '--rm', '--network', 'container:owner', engine.IMAGE, 'sh', '-c',
                           'until nc 127.0.0.1 80; do sleep 0.1; done')
        self.assertEqual(result.stdout, 'hello\n', result.stderr)

    def test_network_of_the_host(self):
        result = self.call('run', '--rm', '--network', 'host', engine.IMAGE, 'hostname')
        self.assertEqual(result.stdout.strip(), os.uname().nodename, result.stderr)

    def test_own_network(self):
        """Through slirp4netns, where the user may use it."""
        tun = '/dev/net/tun'
        if shutil.which('slirp4netns') is None or not os.path.exists(tun) or os.stat(tun).st_mode & 0o006 != 0o006:
            # Then Podman says so, and nothing of a container stays.
            self.assertNotEqual(self.call('run', '--rm', engine.IMAGE, 'true').returncode, 0)
            self.assertEqual(self.ok('ps', '--quiet'), '')
            return
        result = self.call('run', '--rm', engine.IMAGE, 'ip', 'addr', 'show', 'tap0')
        self.assertIn('10.0.2.', result.stdout, result.stderr)

    def test_pod(self):
        self.ok('pod', 'create', '--name', 'pod', '--network', 'none')
        for name in ('first', 'second'):
            self.ok('run', '--detach', '--pod', 'pod', '--name', name, engine.IMAGE, 'sh', '-c', LOOP)
        link = ('readlink', '/proc/self/ns/ipc')
        self.assertEqual(self.ok('exec', 'first', *link), self.ok('exec', 'second', *link))
        self.ok('stop', 'first')
        self.assertEqual(self.ok('inspect', '--format', '{{.State.ExitCode}}', 'first'), '7\n')
        self.assertEqual(self.ok('exec', 'second', 'hostname'), 'pod\n')
