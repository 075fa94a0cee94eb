"""What the tests of engines share: an image, commands, daemons, and proof that nothing of theirs is left."""
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import unittest

import harness
import terminal

IMAGE = 'docker.io/library/runsc-test:1'
DIRECTORIES = ('bin', 'data', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var', 'var/tmp')
FILES = {
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n',
    'etc/group': 'root:x:0:\nuser:x:1000:\n',
    'var/seed': 'of the image\n',
    'var/tmp/in-image': 'in the image\n',
}


def layer():
    """A root of busybox as a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        def add(name, kind, mode, data=b'', link=''):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(data), link
            tar.addfile(entry, io.BytesIO(data))
        for name in DIRECTORIES:
            add(name, tarfile.DIRTYPE, 0o1777 if name.endswith('tmp') else 0o755)
        for name, text in FILES.items():
            add(name, tarfile.REGTYPE, 0o644, text.encode())
        with open(shutil.which('busybox'), 'rb') as f:
            add('bin/busybox', tarfile.REGTYPE, 0o755, f.read())
        applets = subprocess.run(['busybox', '--list'], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        for applet in applets:
            if applet != 'busybox':
                add('bin/' + applet, tarfile.SYMTYPE, 0o777, link='busybox')
    return out.getvalue()


def write_image(path, name=IMAGE, command=('/bin/sh',)):
    """An image in the form of `docker save`."""
    blob = layer()
    digest = hashlib.sha256(blob).hexdigest()
    config = json.dumps({
        'architecture': 'amd64', 'os': 'linux', 'config': {'Env': ['PATH=/bin'], 'Cmd': command},
        'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest]}, 'history': [{'created_by': 'test'}]}).encode()
    config_name = hashlib.sha256(config).hexdigest() + '.json'
    layer_name = digest + '/layer.tar'
    manifest = json.dumps([{'Config': config_name, 'RepoTags': [name], 'Layers': [layer_name]}]).encode()
    with tarfile.open(path, 'w') as tar:
        for member, data in ((config_name, config), (layer_name, blob), ('manifest.json', manifest)):
            entry = tarfile.TarInfo(member)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def mounts_below(path):
    with open('/proc/self/mountinfo') as f:
        points = [line.split()[4] for line in f]
    return sorted(point for point in points if point.startswith(path + '/'))


def cgroups_named(name):
    """Directories of cgroup file systems whose path has a component that begins with `name`, the deepest first."""
    with open('/proc/self/mountinfo') as f:
        roots = [line.split()[4] for line in f if line.partition(' - ')[2].split()[0] in ('cgroup', 'cgroup2')]
    return sorted({path for root in roots for path, _, _ in os.walk(root) if '/' + name in path}, key=len, reverse=True)


def remove_directory(path):
    """Whether it is gone."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def kill_children():
    """All processes below this one, which is the subreaper of what loses its parent."""
    while True:
        left = harness.children(os.getpid())
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def reap():
    """Collects what has ended; true when no child is left."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return False
        except ChildProcessError:
            return True


class Engine(unittest.TestCase):
    """The tests of one engine: a directory for all of them, and nothing of it on the machine after the last one.

    A class overrides start_engine() and stop_engine(); what engines name, they name after `name`.
    """
    name = ''

    @classmethod
    def setUpClass(cls):
        cls.name = 'runsc-test-%d' % os.getpid()
        cls.work = tempfile.mkdtemp(prefix='runsc-engine.')
        os.chmod(cls.work, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.work, True)
        cls.addClassCleanup(cls.remove_rest)
        cls.start_engine()

    @classmethod
    def tearDownClass(cls):
        cls.stop_engine()
        harness.wait_until(reap, 'all processes of the engine are gone; left: %s' % cls.describe_children())
        left = mounts_below(cls.work)
        if left:
            raise AssertionError('mounts left: %s' % left)
        groups = [group for group in cgroups_named(cls.name) if cls.is_of_container(group)]
        if groups:
            raise AssertionError('cgroups left: %s' % groups)

    @classmethod
    def is_of_container(cls, group):
        """Whether a control group that is left should have been removed with its container; parents are the engine's."""
        return os.path.basename(group) != cls.name

    @staticmethod
    def describe_children():
        out = []
        for pid in harness.children(os.getpid()):
            try:
                with open('/proc/%d/cmdline' % pid) as f:
                    out.append((pid, f.read().replace('\0', ' ')[:200]))
            except OSError:
                pass
        return out

    @classmethod
    def remove_rest(cls):
        """Whatever a failure left."""
        kill_children()
        for point in reversed(mounts_below(cls.work)):
            subprocess.run(['umount', '-l', point], check=False)
        for group in cgroups_named(cls.name):
            try:
                os.rmdir(group)
            except OSError:
                pass

    @classmethod
    def start_engine(cls):
        raise NotImplementedError

    @classmethod
    def stop_engine(cls):
        raise NotImplementedError

    @classmethod
    def command(cls, *words):
        """The command line of the engine's client."""
        raise NotImplementedError

    @classmethod
    def call(cls, *words, **options):
        """Runs the engine's client to its end."""
        options.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run(cls.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=harness.PATIENCE * 2, check=False, **options)

    @classmethod
    def ok(cls, *words, **options):
        """A command that has to succeed; what it prints."""
        result = cls.call(*words, **options)
        if result.returncode != 0:
            raise AssertionError('%s: %d: %s%s' % (words, result.returncode, result.stdout, result.stderr))
        return result.stdout

    def person(self, *words):
        """Somebody at the terminal of the engine's client, who is gone after the test."""
        person = terminal.Person(self.command(*words))
        self.addCleanup(person.abandon)
        return person

    def use_shell(self, person):
        """What a person does at the prompt of a container's shell: interrupts a program, and ends the container."""
        person.type('sh -c "echo up; sleep 1000"\n')
        person.expect(rb'\nup\r')
        person.type('\x03')
        person.expect(rb'# ')
        person.type('exit 4\n')
        self.assertEqual(person.end(), 4, person.shown)

    def leave_shell(self, person):
        """The same for one that was executed in a container."""
        person.expect(rb'# ')
        person.type('tty; exit 6\n')
        person.expect(rb'/dev/pts/')
        self.assertEqual(person.end(), 6, person.shown)

    def fails(self, *words, code=None):
        """A command that has to fail; what it says."""
        result = self.call(*words)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        if code is not None:
            self.assertEqual(result.returncode, code, result.stderr)
        return result.stderr
