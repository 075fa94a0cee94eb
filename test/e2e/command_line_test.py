"""The command line: what callers of runc rely on."""
import json
import os
import re
import subprocess

import harness


class CommandLine(harness.Case):
    def test_version(self):
        for words in (['--version'], ['-v'], ['version']):
            result = self.runsc(*words)
            self.assertEqual(result.returncode, 0)
            self.assertRegex(result.stdout, r'\Arunsc version \S+\ncommit: \S+\nspec: 1\.2\.0\n\Z')

    def test_help(self):
        for words in (['help'], ['--help'], ['-h'], []):
            result = self.runsc(*words)
            self.assertEqual((result.returncode, result.stderr), (0, ''))
            self.assertIn('\n  run ', result.stdout)
        self.assertIn('--pid-file', self.runsc('help', 'run').stdout)
        self.assertIn('--pid-file', self.runsc('run', '--help').stdout)

    def test_usage_errors(self):
        cases = [
            (['--fly'], 'unknown flag --fly'),
            (['run', '--fly', 'x'], 'unknown flag --fly'),
            (['run', '--strace', 'x'], 'unknown flag --strace'),
            (['run', '--logtostderr', 'x'], 'unknown flag --logtostderr'),
            (['run'], 'usage: runsc run'),
            (['run', 'a', 'b'], 'usage: runsc run'),
            (['run', '--pid-file'], 'flag --pid-file needs a value'),
            (['run', '--detach=perhaps', 'x'], 'invalid value "perhaps" for flag --detach'),
            (['--log-format', 'xml', 'list'], 'invalid value "xml" for flag --log-format'),
            (['--platform=magic', 'list'], 'invalid value "magic" for flag --platform'),
            (['--network=some', 'list'], 'invalid value "some" for flag --network'),
            (['--overlay2=some', 'list'], 'invalid value "some" for flag --overlay2'),
            (['--overlay2=root:dir=relative', 'list'], '--overlay2'),
            (['--file-access=some', 'list'], '--file-access'),
            (['--rootless=some', 'list'], '--rootless'),
            (['state', 'nobody'], 'container does not exist'),
            (['state', '../x'], 'invalid container ID'),
            (['delete', 'nobody'], 'container does not exist'),
            (['kill', 'nobody'], 'container does not exist'),
            (['kill', 'nobody', 'FOO'], 'unknown signal "FOO"'),
            (['list', '--format', 'xml'], 'invalid format option'),
        ]
        self.assertEqual(self.runsc('fly').returncode, 3)
        self.assert_one_error(self.runsc('fly'), 'unknown command "fly"')
        for words, text in cases:
            with self.subTest(' '.join(words)):
                result = self.runsc(*words)
                self.assertEqual(result.returncode, 1)
                self.assert_one_error(result, text)

    def test_internal_commands_refuse_to_run_without_walls(self):
        for words in (['boot'], ['gofer'], ['boot', '--fds=', 'text', 'quiet'], ['gofer', '--fds=', 'text', 'quiet', '']):
            result = subprocess.run([harness.RUNSC] + words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True, timeout=harness.PATIENCE)
            self.assert_one_error(result, 'this command is internal')

    def test_delete_force_of_nothing_succeeds(self):
        self.assertEqual(self.runsc('delete', '--force', 'nobody').returncode, 0)

    def test_log(self):
        for log_format in ('text', 'json'):
            log = os.path.join(self.work, log_format)
            self.runsc('--log', log, '--log-format', log_format, 'state', 'nobody')
            self.runsc('--log=' + log, '--log-format=' + log_format, 'state', 'no"body')
            with open(log) as f:
                lines = f.read().splitlines()
            self.assertEqual(len(lines), 2)
            if log_format == 'json':
                entry = json.loads(lines[0])
                self.assertEqual(entry['level'], 'error')
                self.assertEqual(entry['msg'], 'container does not exist')
                self.assertRegex(entry['time'], r'\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z')
            else:
                self.assertTrue(re.match(r'time="[^"]+" level=error msg="container', lines[0]), lines[0])

    def test_spec(self):
        for flags in ([], ['--rootless']):
            directory = os.path.join(self.work, 'spec%d' % len(flags))
            os.mkdir(directory)
            self.assertEqual(self.runsc('spec', '-b', directory, *flags).returncode, 0)
            with open(directory + '/config.json') as f:
                spec = json.load(f)
            self.assertEqual(spec['process']['args'], ['sh'])
            self.assertEqual('uidMappings' in spec['linux'], bool(flags))
            self.assert_one_error(self.runsc('spec', '-b', directory), 'config.json exists')

    def test_list_of_nothing(self):
        self.assertEqual(self.runsc('list', '-f', 'json').stdout, 'null\n')
        self.assertEqual(self.runsc('list', '--quiet').stdout, '')
        self.assertTrue(self.runsc('list').stdout.startswith('ID '))
