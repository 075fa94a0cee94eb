"""kill -9 of dockerd and of shims at moments of chance: afterwards containers can be removed, and nothing is left.

RUNSC_KILL_ROUNDS: how often (default 4 each).
"""
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

    def assert_all_goes_away(self, forgotten=lambda _: False):
        """Docker removes all containers that it lists, and of these and of those that it has `forgotten` nothing is left."""
        def removed():
            names = self.ok('ps', '--all', '--quiet').split()
            if names:
                self.docker('rm', '--force', '--volumes', *names)
            return not names
        harness.wait_until(removed, 'all containers are removed')
        left = []

        def gone():
            # Each time anew: what was being made when its maker died may show only now.
            self.remove_forgotten(forgotten)
            left[:] = self.daemon.leftovers() + list(self.daemon.walls.shims().values())
            return not left
        try:
            harness.wait_until(gone, 'nothing is left')
        except AssertionError:
            self.fail('left: %s\n%s' % (left, self.daemon.log()))

    def started(self):
        """The containers that Docker knows to have been started: when it removes one, it has the runtime delete it."""
        lines = self.ok('ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.State}}').split('\n')
        return {line.split()[0] for line in lines if line and line.split()[1] != 'created'}

    def remove_forgotten(self, forgotten):
        """What the daemon was making or removing when it died, it forgets, with runc too: either it does not list the
        container any more or, when it was to be started, lists it as created, and removing that is no affair of the
        runtime's. Nobody asks the runtime to delete it, and its shim stays. It must be removable by hand."""
        for root in self.daemon.state_roots():
            # What a command that was killed leaves at the least is the lock of the container, ID@lock.
            for name in filter(forgotten, {name.partition('@')[0] for name in os.listdir(root)}):
                removed = subprocess.run(self.daemon.walls.inside(self.daemon.work + '/runsc/runsc', '--root', root, 'delete',
                                                            '--force', name), stderr=subprocess.PIPE, text=True)
                self.assertEqual((removed.returncode, removed.stderr), (0, ''))
        for pid, line in self.daemon.walls.shims().items():
            words = line.split()
            if '-id' in words and forgotten(words[words.index('-id') + 1]):
                self.kill_process(pid)

    @staticmethod
    def kill_process(pid):
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
                known = self.started()
                self.assert_all_goes_away(lambda name: name not in known)
                self.assertEqual(self.said('echo works'), 'works')

    def test_shims(self):
        for number in range(docker.rounds(4)):
            with self.subTest(number):
                clients = self.some_work()
                shims = self.daemon.walls.shims()
                # One that was deleting what another left is not run again.
                forgotten = [line.split() for line in shims.values() if line.endswith(' delete')]
                for pid in shims:
                    self.kill_process(pid)
                self.end_clients(clients)
                self.assert_all_goes_away(lambda name: any(name in words for words in forgotten))
                self.assertEqual(self.said('echo works'), 'works')

    def test_processes_of_a_sandbox(self):
        for number in range(docker.rounds(4)):
            with self.subTest(number):
                clients = self.some_work()
                pid, line = random.choice(self.daemon.of_runtime() or [(0, '')])
                if pid:
                    self.kill_process(pid)
                self.end_clients(clients)
                # When it is a command that dies, and not a process of the sandbox, which are not called by the id, then
                # Docker takes what the command has done for undone: a container that runs is not ended.
                words = line.split()
                self.assert_all_goes_away(lambda name: name in words)
                self.assertEqual(self.said('echo works'), 'works')
