"""The control socket of a running sandbox: what commands ask over it, and clients that mean no good."""
import json
import os
import random
import signal
import socket
import struct
import subprocess

import harness

NOBODY = 65534
# Counts in /data/n for as long as it may run, and answers USR1 in /data/usr1.
COUNTING = 'trap "echo got > /data/usr1" USR1; n=0; while :; do n=$((n+1)); echo $n > /data/n; done'


def shares(work):
    def change(spec):
        spec['mounts'].append({'destination': '/data', 'type': 'bind', 'source': work, 'options': ['rbind', 'rw']})
    return change


class Control(harness.Case):
    def setUp(self):
        super().setUp()
        self.container = None

    def begin(self, *args):
        self.container = self.start('run', '--bundle', self.bundle(args or ('sleep', '1000'), shares(self.work)), 'c')
        return self.wait_running('c', self.container)

    def tearDown(self):
        if self.container and self.container.poll() is None:
            self.runsc('kill', 'c', 'KILL')
            self.finish(self.container)
        super().tearDown()

    def end(self, code=128 + signal.SIGKILL):
        self.assertEqual(self.runsc('kill', 'c', 'KILL').returncode, 0)
        self.assertEqual(self.finish(self.container)[0], code)

    def ok(self, *words):
        result = self.runsc(*words)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        return result.stdout

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(os.path.join(self.root, 'c/control.sock'))
        return client

    def read(self, name):
        try:
            with open(os.path.join(self.work, name)) as f:
                return f.read()
        except OSError:
            return ''

    def test_ps(self):
        boot = self.begin('sh', '-c', 'sleep 1000 & sleep 1001; true')['boot']['pid']
        harness.wait_until(lambda: self.ok('ps', 'c').count('sleep') == 4, 'both children run')
        lines = self.ok('ps', 'c').splitlines()
        self.assertEqual(lines[0].split(), 'UID PID PPID C STIME TTY TIME CMD'.split())
        rows = [line.split(None, 7) for line in lines[1:]]
        self.assertEqual([(row[0], row[2]) for row in rows], [('0', '0'), ('0', '1'), ('0', '1')])
        self.assertEqual(rows[0][1], '1')
        self.assertEqual(sorted(row[7] for row in rows)[1:], ['sleep 1000', 'sleep 1001'])
        # The processes of the host that do the work, as callers look for them.
        pids = json.loads(self.ok('ps', '--format', 'json', 'c'))
        self.assertEqual(len(pids), 3)
        for pid in pids:
            self.assertIn(pid, harness.children(boot))
        self.assert_one_error(self.runsc('ps', '--format', 'yaml', 'c'), 'invalid format option')
        self.end()

    def test_pause_and_resume(self):
        self.begin('sh', '-c', COUNTING)
        harness.wait_until(lambda: self.read('n'), 'the container counts')
        self.assertEqual(self.ok('pause', 'c'), '')
        self.assertEqual(json.loads(self.ok('state', 'c'))['status'], 'paused')
        before = self.read('n')
        self.assert_one_error(self.runsc('pause', 'c'), 'container not running')
        self.ok('kill', 'c', 'USR1')
        self.ok('ps', 'c')
        self.assertEqual(self.read('usr1'), '')
        self.assertEqual(self.read('n'), before)
        self.assertEqual(self.ok('resume', 'c'), '')
        self.assertEqual(json.loads(self.ok('state', 'c'))['status'], 'running')
        harness.wait_until(lambda: self.read('usr1'), 'the signal arrives after the pause')
        self.assert_one_error(self.runsc('resume', 'c'), 'container not paused')
        self.end()

    def test_a_paused_container_can_be_killed(self):
        self.begin()
        self.ok('pause', 'c')
        self.end()

    def test_wait(self):
        self.begin('sh', '-c', 'trap "exit 42" TERM; echo ready > /data/n; while :; do sleep 1; done')
        harness.wait_until(lambda: self.read('n'), 'the trap is set')
        waiting = [self.start('wait', 'c') for _ in range(3)]
        self.ok('kill', 'c', 'TERM')
        self.assertEqual(self.finish(self.container)[0], 42)
        for process in waiting:
            code, out, err = self.finish(process)
            # One that came when it was over already is told so.
            if code == 0:
                self.assertEqual(json.loads(out), {'id': 'c', 'exitStatus': 42})
            else:
                self.assertRegex(err, 'container not running|does not exist|ended before')

    def test_log_level_and_stacks(self):
        self.begin()
        self.assertIn('sleep', self.ok('debug', '--stacks', 'c'))
        self.assertEqual(self.ok('debug', '--log-level', 'strace', 'c'), '')
        self.assertEqual(self.ok('debug', '--log-level', 'warning', 'c'), '')
        self.assert_one_error(self.runsc('debug', '--log-level', 'loud', 'c'), 'invalid log level')
        self.assert_one_error(self.runsc('debug', 'c'), 'nothing asked for')
        self.end()

    def test_a_process_is_signalled_by_its_number(self):
        self.begin('sh', '-c', 'sleep 1000; echo $? > /data/n; exec sleep 1000')
        harness.wait_until(lambda: 'sleep 1000' in self.ok('ps', 'c').splitlines()[-1].split(None, 7)[7], 'sleep runs')
        pid = self.ok('ps', 'c').splitlines()[-1].split()[1]
        self.ok('kill', '--pid', pid, 'c', 'TERM')
        harness.wait_until(lambda: self.read('n') == '143\n', 'the shell sees its child end')
        self.assertNotEqual(self.runsc('kill', '--pid', '4000', 'c', 'TERM').returncode, 0)
        self.end()

    def test_other_users_may_not_connect(self):
        self.begin()
        os.chmod(self.root, 0o711)
        os.chmod(os.path.join(self.root, 'c'), 0o711)
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                self.connect()
                os._exit(1)
            except PermissionError:
                os._exit(0)
            except BaseException:
                os._exit(2)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.end()

    def test_clients_that_mean_no_good(self):
        self.begin()
        rng = random.Random(1)
        clients = []
        for i in range(1000):
            client = self.connect()
            try:
                if i % 4 == 1:
                    client.send(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 200))))
                elif i % 4 == 2:
                    client.send(struct.pack('<II', 0, 0x10000000))  # the head of a message of two gigabytes
                elif i % 4 == 3:
                    client.send(struct.pack('<II', 0, 5) + b'\0' * 8)  # half a message
            except (BrokenPipeError, ConnectionResetError):
                pass
            clients.append(client)
        self.assertIn('sleep 1000', self.ok('ps', 'c'))
        for client in clients:
            client.close()
        self.assertIn('sleep 1000', self.ok('ps', 'c'))
        self.end()

    def test_clients_that_are_killed(self):
        self.begin()
        rng = random.Random(2)
        commands = [('ps', 'c'), ('wait', 'c'), ('kill', 'c', 'CONT'), ('debug', '--stacks', 'c'),
                    ('debug', '--log-level', 'debug', 'c'), ('exec', 'c', 'true'), ('exec', 'c', 'sleep', '1000')]
        for _ in range(8):
            for words in commands:
                # No pipes: what exec started would hold them.
                process = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL)
                try:
                    process.wait(rng.random() * 0.05)
                except subprocess.TimeoutExpired:
                    process.kill()
                process.wait()
        self.assertIn('sleep 1000', self.ok('ps', 'c'))
        self.end()
