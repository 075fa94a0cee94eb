"""kill -9 of dockerd and of shims at moments of chance: afterwards containers can be removed, and nothing is left.

RUNSC_KILL_ROUNDS: how often (default 4 each).
"""
import glob
import os
import random
import signal
import subprocess

import docker
import harness

COMMANDS = (
    ('run', '--detach', docker.IMAGE, 'sleep', '1000'),
    ('run', '--rm', docker.IMAGE, 'true'),
    ('run', '--detach', docker.IMAGE, 'sh', '-c', 'while :; do sh -c true; done'),
    ('create', docker.IMAGE, 'true'),
    ('exec', 'box', 'sh', '-c', 'sleep 0.2'),
    ('exec', '--detach', 'box', 'sleep', '1000'),
    ('kill', 'box'),
    ('pause', 'box'),
    ('rm', '--force', 'box'),
)


class DockerKill(docker.Case):
    def background(self, words):
        return subprocess.Popen(self.daemon.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def some_work(self):
        """Clients that are busy with the daemon; they end when it does."""
        self.ok('run', '--detach', '--name', 'box', docker.IMAGE, 'sleep', '1000')
        clients = [self.background(random.choice(COMMANDS)) for _ in range(3)]
        docker.pause_of_chance(1.0)
        return clients

    def end_clients(self, clients):
        for client in clients:
            try:
                client.wait(harness.PATIENCE)
            except subprocess.TimeoutExpired:
                client.kill()
                client.wait(harness.PATIENCE)

    def assert_all_goes_away(self):
        def removed():
            names = self.ok('ps', '--all', '--quiet').split()
            if names:
                self.docker('rm', '--force', '--volumes', *names)
            return not names
        harness.wait_until(removed, 'all containers are removed')
        harness.wait_until(lambda: not self.daemon.leftovers() and not self.daemon.shims(),
                           'nothing is left: %s' % self.daemon.leftovers())

    def remove_forgotten(self):
        """What the daemon was making or removing when it died, it may have forgotten: the shim and the container's state
        stay, since nobody asks the runtime to delete it. They must be removable by hand."""
        known = self.ok('ps', '--all', '--quiet', '--no-trunc').split()
        for root in glob.glob(self.daemon.work + '/exec/runtime-*/moby'):
            for name in os.listdir(root):
                if '@' in name or name in known:
                    continue
                removed = subprocess.run(self.daemon.inside(self.daemon.work + '/runsc/runsc', '--root', root, 'delete',
                                                            '--force', name), stderr=subprocess.PIPE, text=True)
                self.assertEqual((removed.returncode, removed.stderr), (0, ''))
        for pid, line in self.daemon.processes():
            if 'containerd-shim' in line and not any(name in line for name in known):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def test_the_daemon(self):
        for number in range(docker.rounds(4)):
            with self.subTest(number):
                clients = self.some_work()
                self.daemon.kill()
                self.end_clients(clients)
                self.daemon.start()
                self.remove_forgotten()
                self.assert_all_goes_away()
                self.assertEqual(self.said('echo works'), 'works')

    def test_shims(self):
        for number in range(docker.rounds(4)):
            with self.subTest(number):
                clients = self.some_work()
                for pid in self.daemon.shims():
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self.end_clients(clients)
                self.assert_all_goes_away()
                self.assertEqual(self.said('echo works'), 'works')

    def test_processes_of_a_sandbox(self):
        for number in range(docker.rounds(4)):
            with self.subTest(number):
                clients = self.some_work()
                victims = [pid for pid, _ in self.daemon.of_runtime()]
                if victims:
                    try:
                        os.kill(random.choice(victims), signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self.end_clients(clients)
                self.assert_all_goes_away()
                self.assertEqual(self.said('echo works'), 'works')
