"""exec: further processes of a container, as shims and people start them."""
import concurrent.futures
import json
import os
import signal
import socket
import subprocess

import harness
import oci

FOREVER = ('sleep', '1000')


class Exec(oci.Case):
    def container(self, change=None):
        self.pid = self.run_detached('c', FOREVER, change)

    def tearDown(self):
        if self.runsc('kill', 'c', 'KILL').returncode == 0:
            self.end_of(self.pid)
        super().tearDown()

    def detached(self, name, args, flags=(), **options):
        """`exec --detach`; the pid that the pid file gives."""
        pid_file = os.path.join(self.work, name)
        options.setdefault('stdout', subprocess.DEVNULL)
        status = subprocess.run(self.command('exec', '--detach', '--pid-file', pid_file, *flags, 'c', *args),
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=harness.PATIENCE,
                                **options).returncode
        self.assertEqual(status, 0)
        with open(pid_file) as f:
            return int(f.read())

    def test_streams_and_status(self):
        self.container()
        result = self.runsc('exec', 'c', 'sh', '-c', 'read x; echo got $x; echo bad >&2; exit 7', input='words\n')
        self.assertEqual((result.returncode, result.stdout, result.stderr), (7, 'got words\n', 'bad\n'))
        self.assertEqual(self.runsc('exec', 'c', 'true').returncode, 0)
        self.assertEqual(self.runsc('exec', 'c', 'sh', '-c', 'kill -TERM $$').returncode, 128 + signal.SIGTERM)

    def test_it_is_in_the_container(self):
        self.container(self.shared)
        self.ok('exec', 'c', 'sh', '-c', 'echo x > /tmp/mark; hostname > /data/name')
        with open(self.work + '/name') as f:
            self.assertEqual(f.read(), 'e2e\n')
        self.assertEqual(self.ok('exec', 'c', 'cat', '/tmp/mark'), 'x\n')
        self.assertIn('sleep 1000', self.ok('exec', 'c', 'ps', '-o', 'args'))

    def test_attributes(self):
        self.container()
        self.assertEqual(self.ok('exec', '--cwd', '/tmp', 'c', 'pwd'), '/tmp\n')
        self.assertEqual(self.ok('exec', '-e', 'A=1', '-e', 'B=2 3', '-e', 'A=4', 'c', 'sh', '-c', 'echo $A $B'),
                         '4 2 3\n')
        self.assertEqual(self.ok('exec', '-u', '1000:1001', 'c', 'sh', '-c', 'id -u; id -g'), '1000\n1001\n')
        self.assertEqual(self.ok('exec', '--user', '5', 'c', 'id', '-u'), '5\n')
        self.assertEqual(self.ok('exec', '-g', '7', '-g', '8', 'c', 'id', '-G').split()[-2:], ['7', '8'])
        status = self.ok('exec', '--cap', 'CAP_CHOWN', 'c', 'cat', '/proc/self/status')
        self.assertIn('CapEff:\t0000000000000001\n', status)
        self.assertIn('NoNewPrivs:\t1\n', self.ok('exec', '--no-new-privs', 'c', 'cat', '/proc/self/status'))

    def test_process_file(self):
        self.container()
        path = os.path.join(self.work, 'process.json')
        with open(path, 'w') as f:
            json.dump({'terminal': False, 'user': {'uid': 3, 'gid': 4, 'additionalGids': [9]}, 'cwd': '/tmp',
                       'args': ['sh', '-c', 'echo $X; pwd; id -u; id -G'], 'env': ['PATH=/bin', 'X=y'],
                       'capabilities': {}}, f)
        self.assertEqual(self.ok('exec', '--process', path, 'c'), 'y\n/tmp\n3\n4 9\n')
        self.assertEqual(self.ok('exec', '-p', path, 'c'), 'y\n/tmp\n3\n4 9\n')

    def test_detached(self):
        self.container(self.shared)
        pid = self.detached('p', ('sh', '-c', 'echo up > /data/up; exit 9'))
        self.assertEqual(self.end_of(pid), 9)
        self.wait_file(self.work + '/up')

    def test_the_reported_process_takes_signals(self):
        self.container(self.shared)
        pid = self.detached('p', ('sh', '-c', 'trap "exit 33" TERM; echo up > /data/up; while :; do sleep 0.05; done'))
        self.wait_file(self.work + '/up')
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(self.end_of(pid), 33)

    def test_sigkill_of_the_reported_process_ends_it(self):
        self.container()
        pid = self.detached('p', ('sleep', '2000'))
        os.kill(pid, signal.SIGKILL)
        self.end_of(pid)
        harness.wait_until(lambda: 'sleep 2000' not in self.ok('exec', 'c', 'ps', '-o', 'args'), 'the process is gone')

    def test_detached_streams_end_with_it(self):
        self.container()
        read_end, write_end = os.pipe()
        pid = self.detached('p', ('echo', 'words'), stdout=write_end)
        os.close(write_end)
        with open(read_end) as f:
            self.assertEqual(f.read(), 'words\n')
        self.assertEqual(self.end_of(pid), 0)

    def test_preserved_descriptors(self):
        self.container()
        read_end, write_end = os.pipe()
        process = subprocess.Popen(self.command('exec', '--preserve-fds', '1', 'c', 'sh', '-c', 'echo three >&3'),
                                   stdin=subprocess.DEVNULL, close_fds=False, preexec_fn=lambda: os.dup2(write_end, 3))
        os.close(write_end)
        with open(read_end) as f:
            self.assertEqual(f.read(), 'three\n')
        self.assertEqual(process.wait(harness.PATIENCE), 0)

    def test_console_socket(self):
        self.container()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.work + '/console')
        listener.listen(1)
        with listener:
            pid = self.detached('p', ('sh', '-c', 'tty >/dev/null && read x; echo got $x'),
                                ['--tty', '--console-socket', self.work + '/console'])
            _, fds = oci.receive_fd(listener)
        self.assertEqual(len(fds), 1)
        os.write(fds[0], b'words\n')
        self.assertEqual(self.end_of(pid), 0)
        output = b''
        try:
            while b'got words' not in output:
                output += os.read(fds[0], 4096)
        except OSError:
            pass
        os.close(fds[0])
        self.assertIn(b'got words\r\n', output)

    def test_what_does_not_start(self):
        self.container()
        for args, text in ((['nonesuch'], 'exec: "nonesuch": executable file not found in $PATH'),
                           (['/nonesuch'], 'no such file or directory'), (['/etc'], 'permission denied')):
            with self.subTest(args[0]):
                message = self.fails('exec', 'c', *args, code=255)
                self.assertIn(text, message)
                self.assertTrue(message.startswith('exec failed: '), message)
        pid_file = self.work + '/pid'
        self.fails('exec', '--detach', '--pid-file', pid_file, 'c', 'nonesuch', code=255)
        self.assertFalse(os.path.exists(pid_file))

    def test_containers_that_do_not_run(self):
        self.assertEqual(self.fails('exec', 'none', 'true', code=255), 'exec failed: container does not exist')
        self.container()
        self.ok('kill', 'c', 'KILL')
        self.end_of(self.pid)
        self.assertIn('exec failed: cannot exec in a stopped container', self.fails('exec', 'c', 'true', code=255))
        self.ok('delete', 'c')

    def test_end_of_the_container_is_the_end_of_its_processes(self):
        self.container()
        pid = self.detached('p', FOREVER)
        self.ok('kill', 'c', 'KILL')
        # In this order: the host keeps the first process of a namespace until the others are gone.
        self.assertEqual(self.end_of(pid), 128 + signal.SIGKILL)
        self.end_of(self.pid)
        self.ok('delete', 'c')

    def test_many(self):
        self.container()
        for i in range(100):
            result = self.runsc('exec', 'c', 'sh', '-c', 'echo %d; exit %d' % (i, i % 7))
            self.assertEqual((result.returncode, result.stdout, result.stderr), (i % 7, '%d\n' % i, ''))

    def test_many_at_once(self):
        self.container()
        def one(i):
            result = self.runsc('exec', 'c', 'sh', '-c', 'echo %d; exit %d' % (i, i % 7))
            return (result.returncode, result.stdout, result.stderr) == (i % 7, '%d\n' % i, '')
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            self.assertEqual(list(pool.map(one, range(50))), [True] * 50)
        self.assertEqual(len(self.ok('exec', 'c', 'ps', '-o', 'pid').splitlines()), 3)


class Paused(oci.Case):
    def test_pause_and_resume(self):
        pid = self.run_detached('c', FOREVER)
        self.ok('pause', 'c')
        self.assertEqual(self.status('c'), 'paused')
        self.assertEqual(self.fails('start', 'c'), 'cannot start a container in the paused state')
        self.assertEqual(self.fails('delete', 'c'), 'cannot delete container c that is not stopped: paused')
        self.assertEqual(self.fails('exec', 'c', 'true', code=255),
                         'exec failed: cannot exec in a paused container (use --ignore-paused to override)')
        self.ok('resume', 'c')
        self.assertEqual(self.status('c'), 'running')
        self.assertEqual(self.fails('resume', 'c'), 'container not paused')
        self.assertEqual(self.runsc('exec', 'c', 'true').returncode, 0)
        self.ok('pause', 'c')
        self.ok('delete', '--force', 'c')
        self.end_of(pid)
