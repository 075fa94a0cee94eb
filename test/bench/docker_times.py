"""`docker run --rm` under each runtime, by a daemon of our own: its data, state, socket and containerd are in one
directory, and it touches neither bridges nor the packet filter."""
import json
import os
import shutil
import subprocess
import time


class Docker:
    """A running dockerd that knows the runtimes of `sides`, with one image made of `root`."""

    IMAGE = 'bench'

    def __init__(self, work, root, sides):
        self.work, self.root = os.path.join(work, 'docker'), root
        self.runtimes = {side.name: {'path': side.base[0], 'runtimeArgs': side.flags}
                         for side in sides if side.name not in ('native', 'runc')}
        self.socket = 'unix://' + os.path.join(self.work, 'sock')
        self.daemon = None

    def __enter__(self):
        os.mkdir(self.work)
        config = os.path.join(self.work, 'daemon.json')
        with open(config, 'w') as f:
            json.dump({'runtimes': self.runtimes, 'data-root': os.path.join(self.work, 'data'),
                       'exec-root': os.path.join(self.work, 'exec'), 'pidfile': os.path.join(self.work, 'pid'),
                       'hosts': [self.socket], 'bridge': 'none', 'iptables': False, 'ip-forward': False,
                       'ip-masq': False}, f)
        self.log = open(os.path.join(self.work, 'log'), 'w')
        self.daemon = subprocess.Popen(['dockerd', '--config-file', config], stdin=subprocess.DEVNULL,
                                       stdout=self.log, stderr=self.log)
        try:
            self.wait()
            self.make_image()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.daemon.terminate()
        try:
            self.daemon.wait(60)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.log.close()
        # What a killed daemon leaves; nothing after an orderly end.
        with open('/proc/self/mountinfo') as f:
            mounts = [line.split()[4] for line in f if line.split()[4].startswith(self.work + '/')]
        for mount in reversed(mounts):
            subprocess.run(['umount', '--lazy', mount], check=False)

    def docker(self, *arguments, **options):
        return subprocess.run(['docker', '-H', self.socket] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, check=True, timeout=120, **options)

    def wait(self):
        for _ in range(600):
            if self.daemon.poll() is not None:
                raise OSError('dockerd has ended: see its messages: ' + self.last_messages())
            try:
                return self.docker('version', stderr=subprocess.DEVNULL)
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        raise OSError('dockerd does not answer: ' + self.last_messages())

    def last_messages(self):
        with open(os.path.join(self.work, 'log')) as f:
            return f.read()[-1000:]

    def make_image(self):
        archive = shutil.make_archive(os.path.join(self.work, 'image'), 'tar', self.root)
        self.docker('import', archive, self.IMAGE)

    def run_times(self, side, count):
        """Milliseconds of `docker run --rm IMAGE true`, so many times."""
        times = []
        for _ in range(count):
            begin = time.monotonic()
            self.docker('run', '--rm', '--runtime', side.name, '--network', 'none', self.IMAGE, '/bin/true',
                        stderr=subprocess.DEVNULL)
            times.append((time.monotonic() - begin) * 1e3)
        return times
