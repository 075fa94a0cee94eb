"""Hooks: order, what they read, what their failure does."""
import json
import os
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

    def test_failures_after_the_start_are_warnings(self):
        for kind in ('poststart', 'poststop'):
            with self.subTest(kind):
                result = self.run_hooks({kind: [self.hook(kind, 'exit 3')]}, ['echo', 'reached'])
                self.assertEqual((result.returncode, result.stdout), (0, 'reached\n'))
                self.assertIn('error running %s hook #0' % kind, result.stderr)

    def test_timeout(self):
        result = self.run_hooks({'prestart': [self.hook('prestart', 'exec sleep 1000', timeout=1)]})
        self.assert_one_error(result, 'not finished after 1 s')

    def test_missing_program(self):
        result = self.run_hooks({'prestart': [{'path': '/no/such/hook'}]})
        self.assert_one_error(result, '/no/such/hook')
