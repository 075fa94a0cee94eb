"""A dockerd of our own, walled off from the machine, and what the tests of Docker share."""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import tempfile
import unittest

import engine
import harness
import terminal
import walls

IMAGE = 'runsc-test'
OURS = 'runsc'
WITH_SECCOMP = 'runsc-seccomp'
# What runs until it is told to end, and says when it is ready to be told.
SERVICE = 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'


def make_image(archive):
    """A root of busybox as `docker import` takes it."""
    root = tempfile.mkdtemp(prefix='runsc-docker.')
    try:
        harness.build_rootfs(root + '/root')
        applets = subprocess.run(['busybox', '--list'], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        for applet in applets:
            if not os.path.lexists(root + '/root/bin/' + applet):
                os.symlink('busybox', root + '/root/bin/' + applet)
        with open(root + '/root/etc/passwd', 'a') as f:
            f.write('user:x:1000:1000::/tmp:/bin/sh\n')
        with open(root + '/root/etc/group', 'a') as f:
            f.write('user:x:1000:\n')
        with tarfile.open(archive, 'w') as tar:
            tar.add(root + '/root', '.')
    finally:
        shutil.rmtree(root)


class Daemon:
    def __init__(self):
        self.work = tempfile.mkdtemp(prefix='runsc-docker.')
        self.group = 'runsc-docker-%d' % os.getpid()
        self.socket = self.work + '/docker.sock'
        self.walls = self.process = None
        try:
            self.walls = walls.Walls(self.work)
            self.configure()
            self.start()
            make_image(self.work + '/image.tar')
            self.ok('import', '--change', 'ENV PATH=/bin', self.work + '/image.tar', IMAGE)
        except BaseException:
            self.close()
            raise

    def configure(self):
        os.makedirs(self.work + '/runsc')
        shutil.copy(harness.RUNSC, self.work + '/runsc/runsc')
        with open(self.work + '/daemon.json', 'w') as f:
            json.dump({'runtimes': {OURS: {'path': self.work + '/runsc/runsc'},
                                    WITH_SECCOMP: {'path': self.work + '/runsc/runsc',
                                                   'runtimeArgs': ['--oci-seccomp']}}, 'default-runtime': OURS,
                       'data-root': self.work + '/data', 'exec-root': self.work + '/exec',
                       'pidfile': self.work + '/docker.pid', 'hosts': ['unix://' + self.socket],
                       'bip': '172.29.34.1/24', 'cgroup-parent': '/' + self.group,
                       'log-level': 'warn', 'features': {'buildkit': False}}, f)

    def start(self):
        with open(self.work + '/log', 'a') as log:
            self.process = subprocess.Popen(
                self.walls.inside('dockerd', '--config-file', self.work + '/daemon.json'), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        harness.wait_until(self.answers, 'dockerd answers:\n' + self.log())

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError('dockerd has ended:\n' + self.log())
        return self.docker('version').returncode == 0

    def log(self):
        with open(self.work + '/log') as f:
            return f.read()[-4000:]

    def command(self, *words):
        return ['docker', '--host', 'unix://' + self.socket] + list(words)

    def docker(self, *words, **options):
        options.setdefault('stdin', subprocess.DEVNULL)
        if 'input' in options:
            del options['stdin']
        environment = dict(os.environ, DOCKER_BUILDKIT='0', DOCKER_CONFIG=self.work)
        return subprocess.run(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, env=environment, timeout=2 * harness.PATIENCE, **options)

    def ok(self, *words, **options):
        """A command that has to succeed; what it prints, without the last newline."""
        result = self.docker(*words, **options)
        if result.returncode != 0:
            raise AssertionError('%s: %d: %s%s' % (words, result.returncode, result.stdout, result.stderr))
        return result.stdout.rstrip('\n')

    def daemon_pid(self):
        """That of dockerd itself, below nsenter."""
        return next(pid for pid, line in self.walls.processes() if line.startswith('dockerd '))

    def of_runtime(self):
        """Processes of the runtime: commands, sandboxes, gofers, and what runs in them (which shows no command line)."""
        mine = self.work + '/runsc/runsc'
        known = ('dockerd', 'containerd', '/usr/bin/containerd', 'docker-init -s', '/sbin/docker-init', 'sleep infinity',
                 '/usr/bin/docker-proxy')
        return [(pid, line) for pid, line in self.walls.processes() if line.startswith(mine) or not line.startswith(known)]

    def kill(self):
        """kill -9 of dockerd, whose containerd goes with it."""
        os.kill(self.daemon_pid(), signal.SIGKILL)
        self.process.wait(harness.PATIENCE)

    def cgroups(self):
        out = []
        for controller in os.listdir('/sys/fs/cgroup'):
            parent = os.path.join('/sys/fs/cgroup', controller, self.group)
            if os.path.isdir(parent):
                out += [path for path, _, _ in os.walk(parent)]
        if os.path.isdir('/sys/fs/cgroup/' + self.group):
            out += [path for path, _, _ in os.walk('/sys/fs/cgroup/' + self.group)]
        return sorted(out, key=len, reverse=True)

    def state_roots(self):
        """What is passed to runtimes as --root: Docker passes the same to every one."""
        return glob.glob(self.work + '/exec/runtime-*/moby')

    def leftovers(self):
        """What is left of containers, when there should be none."""
        ids = [name for root in self.state_roots() for name in os.listdir(root)]
        groups = [path for path in self.cgroups() if os.path.basename(path) != self.group]
        return ['state ' + name for name in ids] + groups + [line for _, line in self.of_runtime()]

    def close(self):
        """Ends everything, in whichever state it is."""
        if self.process and self.process.poll() is None:
            try:
                os.kill(self.daemon_pid(), signal.SIGTERM)
                self.process.wait(harness.PATIENCE)
            except (StopIteration, OSError, subprocess.TimeoutExpired):
                pass
        if self.walls:
            self.walls.close()
        if self.process:
            self.process.kill()
            self.process.wait(harness.PATIENCE)
        for path in self.cgroups():
            # Busy until the last process, which is killed already, is gone.
            harness.wait_until(lambda path=path: engine.remove_directory(path), path + ' can be removed')
        shutil.rmtree(self.work, ignore_errors=True)


class Case(unittest.TestCase):
    """Tests of one module: a daemon for all of them, and after each no container is left."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)

    def setUp(self):
        self.addCleanup(self.remove_containers)
        self.work = tempfile.mkdtemp(prefix='bind.', dir=self.daemon.work)

    def remove_containers(self):
        names = self.ok('ps', '--all', '--quiet').split()
        if names:
            self.ok('rm', '--force', '--volumes', *names)
        harness.wait_until(lambda: not self.daemon.leftovers(), 'nothing is left of the containers')

    def ok(self, *words, **options):
        return self.daemon.ok(*words, **options)

    def docker(self, *words, **options):
        return self.daemon.docker(*words, **options)

    def fails(self, code, *words, **options):
        """A command that has to end with a status; what it says."""
        result = self.docker(*words, **options)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout + result.stderr

    def run_once(self, *words, runtime=OURS, **options):
        """`docker run --rm`: flags, then what is run by a shell of the image."""
        *flags, script = words
        return self.docker('run', '--rm', '--runtime', runtime, *flags, IMAGE, 'sh', '-c', script, **options)

    def said(self, *words, **options):
        result = self.run_once(*words, **options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout.rstrip('\n')

    def same(self, *words):
        """The same end and output with runc as with our runtime; the output."""
        theirs = self.run_once(*words, runtime='runc')
        ours = self.run_once(*words)
        self.assertEqual((ours.returncode, ours.stdout), (theirs.returncode, theirs.stdout),
                         '%s: %s / with runc: %s' % (words, ours.stderr, theirs.stderr))
        return ours.stdout.rstrip('\n')

    def start(self, name, *words, script=SERVICE, runtime=OURS):
        """`docker run --detach` of a script, when it has said that it is ready."""
        self.ok('run', '--detach', '--name', name, '--runtime', runtime, *words, IMAGE, 'sh', '-c', script)
        harness.wait_until(lambda: 'ready' in self.ok('logs', name), name + ' is ready')

    def inspect(self, name, what):
        return self.ok('inspect', '--format', '{{%s}}' % what, name)

    def wait_state(self, name, what, value):
        harness.wait_until(lambda: self.inspect(name, what) == value, '%s of %s is %s' % (what, name, value))

    def person(self, *words):
        """Somebody who runs a command of Docker at a terminal."""
        person = terminal.Person(self.daemon.command(*words))
        self.addCleanup(person.abandon)
        return person


def rounds(default):
    return int(os.environ.get('RUNSC_KILL_ROUNDS', default))


def pause_of_chance(longest):
    """For a kill at a moment that nobody chose."""
    import time
    time.sleep(random.uniform(0, longest))
