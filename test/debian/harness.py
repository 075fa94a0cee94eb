"""Runs one program in a container of a runtime, over a root that is not changed by it."""
import json
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, 'programs')
# A program that takes longer hangs. Generous: the machine may be busy.
TIMEOUT = 300

# What Docker gives to a container.
CAPABILITIES = ['CAP_' + name for name in (
    'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID '
    'SYS_CHROOT').split()]


def mount(destination, kind, *options):
    return {'destination': destination, 'type': kind, 'source': kind, 'options': list(options)}


def config(args, root, user):
    """The configuration that both runtimes get."""
    capabilities = {} if user else {kind: CAPABILITIES for kind in ('bounding', 'effective', 'permitted')}
    return {
        'ociVersion': '1.0.2',
        'process': {
            'terminal': False,
            'user': {'uid': user, 'gid': user},
            'args': args,
            'env': ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8',
                    'TERM=dumb'],
            'cwd': '/tmp',
            'capabilities': capabilities,
            'rlimits': [{'type': 'RLIMIT_NOFILE', 'hard': 4096, 'soft': 1024},
                        {'type': 'RLIMIT_CORE', 'hard': 0, 'soft': 0}],
        },
        'root': {'path': root, 'readonly': False},
        'hostname': 'debian',
        'mounts': [
            mount('/proc', 'proc', 'nosuid', 'noexec', 'nodev'),
            mount('/dev', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
            mount('/dev/pts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
            mount('/dev/shm', 'tmpfs', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=256m'),
            mount('/dev/mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
            mount('/sys', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
            {'destination': '/programs', 'type': 'bind', 'source': PROGRAMS, 'options': ['bind', 'ro']},
        ],
        'linux': {
            'resources': {'devices': [{'allow': False, 'access': 'rwm'}]},
            'namespaces': [{'type': t} for t in ('pid', 'network', 'ipc', 'uts', 'mount')],
        },
    }


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


class Container:
    """A bundle in a directory of its own; the root is an overlay over the image, so that each starts with the same."""

    def __init__(self, image, args, user=0):
        self.work = tempfile.mkdtemp(prefix='runsc-debian.')
        self.root = os.path.join(self.work, 'root')
        upper, scratch = os.path.join(self.work, 'upper'), os.path.join(self.work, 'scratch')
        for path in (self.root, upper, scratch):
            os.mkdir(path)
        os.chmod(self.work, 0o755)
        self.image = image
        subprocess.run(['mount', '-t', 'overlay', '-o', 'lowerdir=%s,upperdir=%s,workdir=%s' % (image, upper, scratch),
                        'overlay', self.root], check=True)
        self.args, self.user = args, user

    def run(self, command, image_itself=False, timeout=TIMEOUT):
        """`command` is a runtime with its flags; `image_itself` for a runtime that promises not to write the image."""
        with open(os.path.join(self.work, 'config.json'), 'w') as f:
            json.dump(config(self.args, self.image if image_itself else self.root, self.user), f)
        name = os.path.basename(self.work)
        words = command + ['--root', os.path.join(self.work, 'state')]
        process = subprocess.Popen(words + ['run', '--bundle', self.work, name], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=timeout)
            return Result(process.returncode, out, err)
        except subprocess.TimeoutExpired:
            subprocess.run(words + ['delete', '--force', name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            out, err = process.communicate()
            return Result('still running after %d seconds' % timeout, out, err)

    def close(self):
        subprocess.run(['umount', self.root], check=True)
        shutil.rmtree(self.work)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
