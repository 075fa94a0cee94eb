"""create, start, state, kill, delete: the states and who may do what in which."""
import concurrent.futures
import json
import os
import signal
import socket
import subprocess

import harness
import oci

FOREVER = ('sleep', '1000')


class Lifecycle(oci.Case):
    def test_a_whole_life(self):
        pid = self.create('c', ('sh', '-c', 'echo ran > /data/ran; exit 7'), self.shared)
        ran = os.path.join(self.work, 'ran')
        state = self.oci_state('c')
        self.assertEqual((state['id'], state['status'], state['pid']), ('c', 'created', pid))
        self.assertTrue(harness.is_alive(pid))
        self.assertFalse(os.path.exists(ran))
        self.assertEqual(self.ok('start', 'c'), '')
        self.assertEqual(self.end_of(pid), 7)
        self.assertTrue(os.path.exists(ran))
        state = self.oci_state('c')
        self.assertEqual((state['status'], state['pid']), ('stopped', 0))
        self.assertEqual(self.ok('delete', 'c'), '')
        self.assertEqual(self.fails('state', 'c'), 'container does not exist')

    def test_state(self):
        def annotate(spec):
            spec['annotations'] = {'org.example.key': 'value', 'a': 'b'}
        pid = self.run_detached('c', FOREVER, annotate)
        result = self.runsc('state', 'c')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        state = json.loads(result.stdout)
        bundle = os.path.join(self.work, 'bundle1')
        self.assertRegex(state.pop('created'), r'\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z\Z')
        self.assertTrue(state.pop('ociVersion').startswith('1.'))
        state.pop('owner')
        self.assertEqual(state, {'id': 'c', 'pid': pid, 'status': 'running', 'bundle': bundle,
                                 'rootfs': bundle + '/rootfs', 'annotations': {'org.example.key': 'value', 'a': 'b'}})
        self.kill_and_delete('c', pid)

    def test_start_in_other_states(self):
        pid = self.run_detached('c', FOREVER)
        self.assertEqual(self.fails('start', 'c'), 'cannot start an already running container')
        self.ok('kill', 'c', 'KILL')
        self.end_of(pid)
        self.assertEqual(self.fails('start', 'c'), 'cannot start a container that has stopped')
        self.ok('delete', 'c')
        self.assertEqual(self.fails('start', 'c'), 'container does not exist')

    def test_an_id_is_taken_once(self):
        pid = self.run_detached('c', FOREVER)
        bundle = self.bundle(['true'])
        for command in ('create', 'run'):
            self.assertIn('container with given ID already exists', self.fails(command, '--bundle', bundle, 'c'))
        self.assertEqual(self.status('c'), 'running')
        self.kill_and_delete('c', pid)

    def test_ids(self):
        bundle = self.bundle(['true'])
        self.assertIn('container id cannot be empty', self.fails('create', '--bundle', bundle, ''))
        for name in ('.', '..', 'a/b', '../c', 'a b', 'a\n', '\u00e9', 'a@b', 'a:b'):
            with self.subTest(name):
                self.assertIn('invalid container ID format', self.fails('create', '--bundle', bundle, name))
                self.assertIn('invalid container ID format', self.fails('state', name))
        for name in ('a', 'A.b_c+d-e', '0', '-'.join(['long'] * 20)):
            with self.subTest(name):
                pid = self.create(name)
                self.ok('delete', name)
                self.end_of(pid)

    def test_delete_in_other_states(self):
        pid = self.create('c', FOREVER)
        self.ok('delete', 'c')
        self.assertEqual(self.end_of(pid), 128 + signal.SIGKILL)
        pid = self.run_detached('c', FOREVER)
        self.assertEqual(self.fails('delete', 'c'), 'cannot delete container c that is not stopped: running')
        self.ok('delete', '--force', 'c')
        self.assertEqual(self.end_of(pid), 128 + signal.SIGKILL)
        self.assertEqual(self.fails('delete', 'c'), 'container does not exist')
        self.assertEqual(self.ok('delete', '--force', 'c'), '')
        self.assertEqual(self.ok('delete', '-f', 'c'), '')

    def test_the_end_of_the_process_is_noticed(self):
        pid = self.run_detached('c', FOREVER)
        os.kill(pid, signal.SIGKILL)
        self.end_of(pid)
        self.assertEqual(self.status('c'), 'stopped')
        self.assertEqual(self.fails('kill', 'c'), 'container not running')
        self.ok('delete', 'c')

    def test_exit_codes(self):
        for code in (0, 1, 42, 255):
            pid = self.run_detached('c%d' % code, ('sh', '-c', 'exit %d' % code))
            self.assertEqual(self.end_of(pid), code)
            self.ok('delete', 'c%d' % code)
        pid = self.run_detached('s', ('sh', '-c', 'kill -9 $$ 2>/dev/null; exit 3'))
        self.assertEqual(self.end_of(pid), 3)  # the first process of a pid namespace cannot kill itself
        self.ok('delete', 's')

    def test_run_returns_the_exit_code(self):
        for code in (0, 5):
            self.assertEqual(self.run_bundle(['sh', '-c', 'exit %d' % code]).returncode, code)

    def test_run_keep(self):
        self.assertEqual(self.runsc('run', '--keep', '--bundle', self.bundle(['false']), 'c').returncode, 1)
        self.assertEqual(self.status('c'), 'stopped')
        self.ok('delete', 'c')

    def test_run_detached(self):
        self.ids.append('c')
        pid_file = os.path.join(self.work, 'pid')
        self.assertEqual(subprocess.run(self.command('run', '-d', '--pid-file', pid_file, '-b', self.bundle(FOREVER), 'c'),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        timeout=harness.PATIENCE).returncode, 0)
        with open(pid_file) as f:
            pid = int(f.read())
        self.assertEqual((self.oci_state('c')['status'], self.oci_state('c')['pid']), ('running', pid))
        self.kill_and_delete('c', pid)

    def test_bundle_is_the_working_directory(self):
        bundle = self.bundle(['echo', 'here'])
        result = self.runsc('run', 'c', cwd=bundle)
        self.assertEqual((result.returncode, result.stdout), (0, 'here\n'), result.stderr)

    def test_a_relative_bundle(self):
        bundle = self.bundle(FOREVER)
        self.ids.append('c')
        subprocess.run(self.command('create', '-b', os.path.basename(bundle), 'c'), cwd=self.work, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(self.oci_state('c')['bundle'], bundle)
        self.ok('delete', 'c')

    @oci.not_in_runc('runc 1.1 crashes on some of them, as it locks nothing')
    def test_many_commands_at_once(self):
        pid = self.create('c', FOREVER)
        bundle = self.bundle(['true'])
        commands = [('state', 'c'), ('start', 'c'), ('list',), ('kill', 'c', '0'),
                    ('create', '--bundle', bundle, 'c')] * 10
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            results = list(pool.map(lambda words: self.runsc(*words), commands))
        started = [r for words, r in zip(commands, results) if words[0] == 'start']
        self.assertEqual(sum(r.returncode == 0 for r in started), 1)
        for words, result in zip(commands, results):
            if words[0] == 'create':
                self.assertIn('already exists', result.stderr)
            elif words[0] == 'start':
                self.assertIn(result.stderr, ('', 'runsc: cannot start an already running container\n'))
            else:
                self.assertEqual((result.returncode, result.stderr), (0, ''), words)
        self.assertEqual((self.status('c'), self.oci_state('c')['pid']), ('running', pid))
        self.kill_and_delete('c', pid)

    @oci.not_in_runc('runc 1.1 leaves directories of containers that were deleted while it made them')
    def test_creating_and_deleting_at_once(self):
        bundle = self.bundle(FOREVER)
        def churn(number):
            if number % 2:
                return self.runsc('delete', '--force', 'c').returncode
            return subprocess.run(self.command('create', '--bundle', bundle, 'c'), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            results = list(pool.map(churn, range(40)))
        self.assertIn(0, results[::2])
        self.assertEqual(set(results[1::2]), {0})
        self.ok('delete', '--force', 'c')
        self.assert_nothing_left()


class Kill(oci.Case):
    def start_trapping(self, names):
        """A container that writes down the signals it gets."""
        traps = ''.join('trap "echo %s >> /data/got" %s; ' % (n, n) for n in names)
        pid = self.run_detached('c', ('sh', '-c', traps + 'echo up > /data/up; while :; do sleep 0.05; done'), self.shared)
        self.wait_file(os.path.join(self.work, 'up'))
        return pid

    def test_names_and_numbers(self):
        pid = self.start_trapping(['TERM', 'USR1', 'HUP', 'INT'])
        got = os.path.join(self.work, 'got')
        for written, name in (('TERM', 'TERM'), ('SIGUSR1', 'USR1'), ('1', 'HUP'), ('sigint', 'INT')):
            self.ok('kill', 'c', written)
            self.wait_file(got, name)
            os.unlink(got)
        self.ok('kill', 'c')
        self.wait_file(got, 'TERM')
        self.ok('kill', 'c', '0')
        self.kill_and_delete('c', pid)

    def test_what_is_no_signal(self):
        pid = self.run_detached('c', FOREVER)
        self.assertEqual(self.fails('kill', 'c', 'USR9'), 'unknown signal "USR9"')
        self.assertEqual(self.fails('kill', 'c', '65'), 'unable to signal init: invalid argument')
        self.assertEqual(self.fails('kill', 'c', '99'), 'unable to signal init: invalid argument')
        self.kill_and_delete('c', pid)

    def test_all(self):
        pid = self.run_detached('c', ('sh', '-c', 'sleep 1000 & sleep 1001 & echo up > /data/up; wait'), self.shared)
        self.wait_file(os.path.join(self.work, 'up'))
        self.ok('kill', '--all', 'c', 'KILL')
        self.assertEqual(self.end_of(pid), 128 + signal.SIGKILL)
        self.assertEqual(self.ok('kill', '-a', 'c', 'KILL'), '')  # nobody is left: no mistake
        self.assertEqual(self.fails('kill', 'c', 'KILL'), 'container not running')
        self.ok('delete', 'c')
        self.assertEqual(self.fails('kill', 'c', 'KILL'), 'container does not exist')

    def test_a_created_container(self):
        for name in ('KILL', 'TERM', 'INT', 'HUP'):
            pid = self.create('c', FOREVER)
            self.ok('kill', 'c', name)
            self.end_of(pid)
            self.assertEqual(self.status('c'), 'stopped')
            self.assertEqual(self.fails('start', 'c'), 'cannot start a container that has stopped')
            self.ok('delete', 'c')
        pid = self.create('c', FOREVER)
        self.ok('kill', 'c', 'WINCH')
        self.assertEqual(self.status('c'), 'created')
        self.ok('start', 'c')
        self.kill_and_delete('c', pid)


class Failures(oci.Case):
    """What does not start: one message in the log, and nothing is left."""

    def bundle_of(self, args, change=None):
        return self.bundle(list(args), change)

    def test_programs(self):
        def no_path(spec):
            spec['process']['env'] = []
        for args, text in ((['nonesuch'], 'exec: "nonesuch": executable file not found in $PATH'),
                           (['/nonesuch'], 'no such file or directory'),
                           (['/etc'], 'permission denied'),
                           (['/etc/passwd'], 'permission denied')):
            with self.subTest(args[0]):
                bundle = self.bundle_of(args)
                for command in ('create', 'run'):
                    self.assertIn(text, self.fails(command, '--bundle', bundle, 'c'))
                    self.assertEqual(self.fails('state', 'c'), 'container does not exist')

    def test_bundles(self):
        bundle = self.bundle(['true'])
        os.unlink(bundle + '/config.json')
        self.assertIn('config.json', self.fails('create', '--bundle', bundle, 'c'))
        self.assertIn('no such file or directory', self.fails('create', '--bundle', self.work + '/none', 'c'))
        self.fails('create', '--bundle', self.bundle(['true'], lambda spec: spec['root'].update(path='none')), 'c')
        self.assertEqual(self.fails('state', 'c'), 'container does not exist')

    def test_flags(self):
        for words in (['create'], ['create', 'a', 'b'], ['state'], ['kill'], ['kill', 'a', 'b', 'c'], ['start'],
                      ['delete'], ['state', '--nonesuch', 'c'], ['--nonesuch', 'state', 'c']):
            with self.subTest(' '.join(words)):
                result = self.runsc(*words)
                self.assertEqual(result.returncode, 1)
        self.assertEqual(self.runsc('nonesuch').returncode, 3)

    def test_pid_file_that_cannot_be_written(self):
        self.fails('create', '--bundle', self.bundle(['true']), '--pid-file', self.work + '/none/pid', 'c')
        self.assertEqual(self.fails('state', 'c'), 'container does not exist')


class Listing(oci.Case):
    def test_formats(self):
        self.assertEqual(self.ok('list', '-q'), '')
        self.assertEqual(self.ok('list').split(), ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'])
        self.assertIsNone(json.loads(self.ok('list', '--format', 'json')))
        running = self.run_detached('b', FOREVER)
        created = self.create('a', FOREVER)
        self.assertEqual(self.ok('list', '--quiet'), 'a\nb\n')
        entries = json.loads(self.ok('list', '-f', 'json'))
        self.assertEqual([(e['id'], e['pid'], e['status']) for e in entries],
                         [('a', created, 'created'), ('b', running, 'running')])
        self.assertEqual(entries[0]['rootfs'], entries[0]['bundle'] + '/rootfs')
        self.assertEqual(entries[0]['owner'], 'root')
        rows = self.ok('list').splitlines()
        self.assertEqual(rows[0].split(), ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'])
        self.assertEqual(rows[2].split()[:3], ['b', str(running), 'running'])
        self.assertEqual(rows[0].index('PID'), rows[1].index(str(created)))
        self.assertEqual(self.fails('list', '--format', 'xml'), 'invalid format option')
        self.kill_and_delete('b', running)
        self.ok('delete', 'a')


class Descriptors(oci.Case):
    def test_streams(self):
        read_in, write_in = os.pipe()
        read_out, write_out = os.pipe()
        read_error, write_error = os.pipe()
        pid = self.create('c', ('sh', '-c', 'read x; echo got $x; echo bad >&2'), stdin=read_in, stdout=write_out,
                          stderr=write_error)
        for fd in (read_in, write_out, write_error):
            os.close(fd)
        self.ok('start', 'c')
        os.write(write_in, b'words\n')
        os.close(write_in)
        with open(read_out) as out, open(read_error) as error:
            # Up to the end of file: nobody else holds the streams.
            self.assertEqual((out.read(), error.read()), ('got words\n', 'bad\n'))
        self.assertEqual(self.end_of(pid), 0)
        self.ok('delete', 'c')

    def test_preserved_descriptors(self):
        read_end, write_end = os.pipe()
        extra = os.open(self.work + '/extra', os.O_RDWR | os.O_CREAT)
        def place():
            os.dup2(write_end, 13)
            os.dup2(extra, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)
        pid = self.create('c', ('sh', '-c', 'echo three >&3; echo four >&4; ls /proc/self/fd'), flags=['--preserve-fds', '2'],
                          preexec_fn=place, close_fds=False, pass_fds=())
        os.close(write_end)
        os.close(extra)
        self.ok('start', 'c')
        with open(read_end) as f:
            self.assertEqual(f.read(), 'three\n')
        self.assertEqual(self.end_of(pid), 0)
        with open(self.work + '/extra') as f:
            self.assertEqual(f.read(), 'four\n')
        self.ok('delete', 'c')

    def listen(self, name):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = os.path.join(self.work, name)
        listener.bind(path)
        listener.listen(1)
        return listener, path

    def terminal(self, spec):
        spec['process']['terminal'] = True
        spec['process']['consoleSize'] = {'height': 33, 'width': 99}

    def test_console_socket(self):
        listener, path = self.listen('console')
        with listener:
            pid = self.create('c', ('sh', '-c', 'tty >/dev/null && stty size; read x; echo got $x'), self.terminal,
                              flags=['--console-socket', path])
            text, fds = oci.receive_fd(listener)
        self.assertEqual(len(fds), 1)
        self.assertTrue(os.isatty(fds[0]))
        self.assertTrue(text)
        self.ok('start', 'c')
        os.write(fds[0], b'words\n')
        self.assertEqual(self.end_of(pid), 0)
        with open(fds[0], 'rb', buffering=0) as master:
            output = b''
            try:
                while b'got words' not in output:
                    output += master.read(4096)
            except OSError:
                pass  # EIO: nobody has the other end
        self.assertIn(b'33 99', output)
        self.assertIn(b'got words\r\n', output)
        self.ok('delete', 'c')

    def test_console_socket_and_terminal_go_together(self):
        bundle = self.bundle(['true'], self.terminal)
        self.assertIn('cannot allocate tty if runc will detach without setting console socket'.replace(
            'runc', os.path.basename(harness.RUNSC)), self.fails('create', '--bundle', bundle, 'c'))
        self.assertIn('cannot use console socket', self.fails('create', '--bundle', self.bundle(['true']),
                                                             '--console-socket', self.work + '/none', 'c'))
        self.fails('create', '--bundle', bundle, '--console-socket', self.work + '/none', 'c')
        self.assertEqual(self.fails('state', 'c'), 'container does not exist')

    @oci.not_in_runc('new in runc 1.2')
    def test_pidfd_socket(self):
        listener, path = self.listen('pidfd')
        with listener:
            pid = self.create('c', FOREVER, flags=['--pidfd-socket', path])
            _, fds = oci.receive_fd(listener)
        self.assertEqual(len(fds), 1)
        with open('/proc/self/fdinfo/%d' % fds[0]) as f:
            self.assertIn('Pid:\t%d\n' % pid, f.read())
        os.close(fds[0])
        self.ok('delete', 'c')
        self.end_of(pid)
