"""Hooks: order, what they read, what their failure does."""
import json
import os
import signal
import stat

import harness


class Hooks(harness.Case):
    def hook(self, kind, script='', **more):
        """A program that appends its kind and the state it reads to a log."""
        path = os.path.join(self.work, 'hook-%s-%d' % (kind, len(os.listdir(self.work))))
        with open(path, 'w') as f:
            f.write('#!/bin/sh\nprintf "%s " >> {0}/log; tr -d "\\n" >> {0}/log; echo >> {0}/log\n{1}\n'
                    .replace('%s', kind).format(self.work, script))
        os.chmod(path, stat.S_IRWXU)
        return dict({'path': path, 'args': [kind], 'env': ['PATH=/usr/bin:/bin']}, **more)

    def log(self):
        with open(self.work + '/log') as f:
            return [(line.split(' ', 1)[0], json.loads(line.split(' ', 1)[1])) for line in f]

    def run_hooks(self, hooks, args=('true',)):
        def change(spec):
            spec['hooks'] = hooks
        return self.run_bundle(args, change)

    def test_order_and_states(self):
        result = self.run_hooks({kind: [self.hook(kind)] for kind in
                                 ('poststop', 'poststart', 'createContainer', 'createRuntime', 'prestart')})
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        log = self.log()
        self.assertEqual([kind for kind, _ in log],
                         ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'])
        self.assertEqual([state['status'] for _, state in log],
                         ['creating', 'creating', 'creating', 'running', 'stopped'])
        self.assertEqual(len({state['id'] for _, state in log}), 1)
        self.assertGreater(log[0][1]['pid'], 0)

    def test_failures_before_the_start_are_errors(self):
        for kind in ('prestart', 'createRuntime', 'createContainer'):
            with self.subTest(kind):
                result = self.run_hooks({kind: [self.hook(kind, 'exit 3')]}, ['echo', 'not reached'])
                self.assert_one_error(result, 'error running %s hook #0' % kind)
                self.assertIn('exited with status 3', result.stderr)
                self.assert_nothing_left()

    def test_a_failing_poststart_hook_ends_the_container(self):
        result = self.run_hooks({'poststart': [self.hook('poststart', 'echo why >&2; exit 3'), self.hook('poststart')],
                                 'poststop': [self.hook('poststop')]}, ['sleep', '1000'])
        self.assert_one_error(result, 'error running poststart hook #0')
        self.assertIn('exited with status 3, stderr: why', result.stderr)
        self.assertEqual([kind for kind, _ in self.log()], ['poststart', 'poststop'])
        self.assert_nothing_left()

    def test_failures_after_the_end_are_warnings(self):
        result = self.run_hooks({'poststop': [self.hook('poststop', 'exit 3'), self.hook('poststop')]},
                                ['echo', 'reached'])
        self.assertEqual((result.returncode, result.stdout), (0, 'reached\n'))
        self.assertIn('error running poststop hook #0', result.stderr)
        self.assertEqual([kind for kind, _ in self.log()], ['poststop', 'poststop'])

    def test_poststop_hooks_hear_of_a_start_that_failed(self):
        for hooks, args in (({'createRuntime': [self.hook('createRuntime', 'exit 3')]}, ['true']), ({}, ['/no/program'])):
            with self.subTest(args):
                result = self.run_hooks(dict(hooks, poststop=[self.hook('poststop')]), args)
                self.assertNotEqual(result.returncode, 0)
                self.assertEqual(self.log()[-1][0], 'poststop')
                self.assertEqual(self.log()[-1][1]['status'], 'stopped')
                os.remove(self.work + '/log')

    def test_signals_are_those_of_a_fresh_program(self):
        look = self.hook('prestart', 'grep -E "^Sig(Blk|Ign)" /proc/self/status > %s/signals' % self.work)
        hooks = {'prestart': [look], 'poststart': [look]}

        def ignore():
            for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGUSR1):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])

        def change(spec):
            spec['hooks'] = hooks
        result = self.run_bundle(['true'], change, preexec_fn=ignore)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        with open(self.work + '/signals') as f:
            self.assertEqual(f.read(), 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n')

    def test_much_output_is_no_reason_to_wait(self):
        """More than a pipe holds; and a process that goes on with the hook's streams."""
        script = 'yes | head -c 300000; sleep 1000 & echo $! > %s/pid; exit 3' % self.work
        result = self.run_hooks({'prestart': [self.hook('prestart', script)]})
        with open(self.work + '/pid') as f:
            os.kill(int(f.read()), signal.SIGKILL)
        self.assert_one_error(result, 'error running prestart hook #0')
        self.assertLess(len(result.stderr), 10000)

    def test_timeout(self):
        result = self.run_hooks({'prestart': [self.hook('prestart', 'exec sleep 1000', timeout=1)]})
        self.assert_one_error(result, 'not finished after 1 s')

    def test_missing_program(self):
        result = self.run_hooks({'prestart': [{'path': '/no/such/hook'}]})
        self.assert_one_error(result, '/no/such/hook')
        self.assertIn('No such file or directory', result.stderr)
