"""`runsc run`: exit codes, streams, signals, environment, detached containers."""
import json
import os
import signal
import subprocess
import unittest

import harness


class Run(harness.Case):
    def test_exit_codes(self):
        # The first process is the init of its pid namespace: its own signals do not end it (pid_namespaces(7)).
        for script, status in (('exit 0', 0), ('exit 7', 7), ('exit 255', 255), ('kill -TERM $$; exit 3', 3),
                               ('kill -KILL $$; exit 3', 3), ("sh -c 'kill -TERM $$'; exit $?", 143),
                               ("sh -c 'kill -KILL $$'; exit $?", 137)):
            with self.subTest(script):
                result = self.run_bundle(['sh', '-c', script])
                self.assertEqual((result.returncode, result.stdout), (status, ''), result.stderr)
                self.assert_nothing_left()

    def test_streams(self):
        result = self.run_bundle(['sh', '-c', 'cat; echo error >&2'], input='one\ntwo\n')
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, 'one\ntwo\n', 'error\n'))

    def test_much_output(self):
        result = self.run_bundle(['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890; '
                                              'i=$((i+1)); done'])
        self.assertEqual((result.returncode, len(result.stdout)), (0, 3000 * 32))

    def test_closed_streams(self):
        bundle = self.bundle(['sh', '-c', 'echo a; echo b >&2; exit 5'])
        process = subprocess.Popen(['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh'] +
                                   self.command('run', '--bundle', bundle, 'c'))
        self.assertEqual(process.wait(timeout=harness.PATIENCE), 5)

    def test_process_attributes(self):
        def change(spec):
            spec['process']['env'] = ['PATH=/bin', 'COLOUR=green blue', 'EMPTY=']
            spec['process']['cwd'] = '/tmp'
            spec['process']['user'] = {'uid': 1000, 'gid': 1001, 'additionalGids': [7, 8], 'umask': 0o27}
        result = self.run_bundle(['sh', '-c', 'echo "$COLOUR,$EMPTY"; pwd; id -u; id -g; id -G; umask; hostname'],
                                 change)
        self.assertEqual(result.stdout, 'green blue,\n/tmp\n1000\n1001\n1001 7 8\n0027\ne2e\n', result.stderr)

    def test_read_only_root(self):
        def change(spec):
            spec['root']['readonly'] = True
        result = self.run_bundle(['sh', '-c', 'echo x > /data/file'], change)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('Read-only file system', result.stderr)

    def test_image_is_written_only_when_asked(self):
        for flag, written in (('root:self', False), ('root:memory', False), ('root:dir=' + self.work, False),
                              ('none', True)):
            with self.subTest(flag):
                result = self.run_bundle(['sh', '-c', 'echo hello > /data/file; cat /data/file'],
                                         flags=['--overlay2', flag])
                self.assertEqual((result.returncode, result.stdout), (0, 'hello\n'), result.stderr)
                host = os.path.join(self.work, 'bundle%d/rootfs/data/file' % self.count)
                self.assertEqual(os.path.exists(host), written)

    def test_bind_mounts(self):
        shared = os.path.join(self.work, 'shared')
        os.mkdir(shared)
        with open(shared + '/in', 'w') as f:
            f.write('from the host\n')

        def change(spec):
            spec['mounts'].append({'destination': '/data', 'type': 'bind', 'source': shared, 'options': ['rbind']})
            spec['mounts'].append({'destination': '/etc/one', 'type': 'bind', 'source': shared + '/in',
                                   'options': ['bind', 'ro']})
        result = self.run_bundle(['sh', '-c', 'cat /data/in /etc/one; echo out > /data/out; echo x > /etc/one'], change)
        self.assertEqual(result.stdout, 'from the host\nfrom the host\n', result.stderr)
        self.assertIn('Read-only file system', result.stderr)
        with open(shared + '/out') as f:
            self.assertEqual(f.read(), 'out\n')

    def test_signals_are_forwarded(self):
        bundle = self.bundle(['sh', '-c', 'trap "echo got it; exit 9" TERM; echo ready; while :; do sleep 0.1; done'])
        process = self.start('run', '--bundle', bundle, 'c')
        self.assertEqual(process.stdout.readline(), 'ready\n')
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process), (9, 'got it\n', ''))

    def test_same_id_twice(self):
        bundle = self.bundle(['sleep', '1000'])
        process = self.start('run', '--bundle', bundle, 'c')
        self.wait_running('c', process)
        self.assert_one_error(self.runsc('run', '--bundle', bundle, 'c'), 'container with given ID already exists')
        self.assertEqual(self.runsc('kill', 'c', 'KILL').returncode, 0)
        self.assertEqual(process.wait(timeout=harness.PATIENCE), 137)
        process.communicate()

    def test_detached(self):
        bundle = self.bundle(['sleep', '1000'])
        pid_file = os.path.join(self.work, 'pid')
        result = subprocess.run(self.command('run', '-d', '--pid-file', pid_file, '--bundle', bundle, 'c'),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                timeout=harness.PATIENCE)
        self.assertEqual(result.returncode, 0)
        with open(pid_file) as f:
            pid = int(f.read())
        state = json.loads(self.runsc('state', 'c').stdout)
        self.assertEqual((state['id'], state['status'], state['pid']), ('c', 'running', pid))
        self.assertEqual(self.runsc('list', '-q').stdout, 'c\n')
        self.assert_one_error(self.runsc('delete', 'c'), 'not stopped')
        self.assertEqual(self.runsc('kill', 'c', 'KILL').returncode, 0)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 137)
        self.assertEqual(json.loads(self.runsc('state', 'c').stdout)['status'], 'stopped')
        self.assert_one_error(self.runsc('kill', 'c'), 'container not running')
        self.assertEqual(self.runsc('delete', 'c').returncode, 0)

    def test_do_does_not_write_the_host(self):
        inside = os.path.join(self.work, 'written')
        result = self.runsc('do', 'sh', '-c', 'echo hello > %s; cat %s' % (inside, inside), cwd=self.work)
        self.assertEqual((result.returncode, result.stdout), (0, 'hello\n'), result.stderr)
        self.assertFalse(os.path.exists(inside))

    def test_strace(self):
        result = self.run_bundle(['true'], flags=['--strace', '--debug-log', os.path.join(self.work, 'logs')])
        self.assertEqual(result.returncode, 0, result.stderr)
        logs = os.listdir(os.path.join(self.work, 'logs'))
        self.assertEqual(len(logs), 1)
        with open(os.path.join(self.work, 'logs', logs[0])) as f:
            self.assertIn('exit_group(0)', f.read())

    def test_stacks(self):
        process = self.start('run', '--bundle', self.bundle(['sleep', '1000']), 'c')
        self.wait_running('c', process)
        result = self.runsc('debug', '--stacks', 'c')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout)
        self.runsc('kill', 'c', 'KILL')
        self.finish(process)
