"""`runsc install` and `uninstall`: the files of Docker and containerd, and whether those take what is written."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import harness

DAEMON_JSON = '''{
    "log-level": "warn",
    "runtimes": {
        "other": {"path": "/usr/bin/other", "runtimeArgs": ["--flag"]}
    },
    "data-root": "/srv/docker"
}
'''
CONFIG_TOML = '''# of the administrator
version = 2
oom_score = -999   # a remark

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]
  runtime_type = "io.containerd.kata.v2"
[metrics]
  address = "127.0.0.1:1338"
'''
CRI = 'io.containerd.grpc.v1.cri'


class Files(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.mkdtemp(prefix='runsc-install.')
        self.addCleanup(shutil.rmtree, self.work)
        self.docker = os.path.join(self.work, 'daemon.json')
        self.containerd = os.path.join(self.work, 'config.toml')

    def write(self):
        for path, text in ((self.docker, DAEMON_JSON), (self.containerd, CONFIG_TOML)):
            with open(path, 'w') as f:
                f.write(text)
            os.chmod(path, 0o600)

    def read(self):
        out = []
        for path in (self.docker, self.containerd):
            with open(path) as f:
                out.append(f.read())
        return out

    def runsc(self, *words, program=harness.RUNSC):
        return subprocess.run([program, *words, '--docker-config', self.docker, '--containerd-config', self.containerd],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)

    def ok(self, *words):
        result = self.runsc(*words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def dumped_config(self):
        """containerd's own view of the file."""
        result = subprocess.run(['containerd', '--config', self.containerd, 'config', 'dump'], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_keeps_the_rest(self):
        self.write()
        said = self.ok('install')
        self.assertEqual(said.count('runtime "runsc" added'), 2, said)
        docker, containerd = self.read()
        wanted = json.loads(DAEMON_JSON)
        wanted['runtimes']['runsc'] = {'path': harness.RUNSC}
        self.assertEqual(json.loads(docker), wanted)
        self.assertTrue(containerd.startswith(CONFIG_TOML), containerd)
        self.assertEqual(os.stat(self.docker).st_mode & 0o777, 0o600)

    def test_twice_is_once(self):
        self.write()
        self.ok('install')
        once = self.read()
        self.assertEqual(self.ok('install').count('nothing to do'), 2)
        self.assertEqual(self.read(), once)

    def test_uninstall_gives_back_what_was(self):
        self.write()
        self.ok('install')
        self.ok('uninstall')
        docker, containerd = self.read()
        self.assertEqual(json.loads(docker), json.loads(DAEMON_JSON))
        self.assertEqual(containerd, CONFIG_TOML)
        self.assertEqual(self.ok('uninstall').count('nothing to do'), 2)

    def test_files_that_are_not_there(self):
        self.ok('install')
        docker, _ = self.read()
        self.assertEqual(json.loads(docker), {'runtimes': {'runsc': {'path': harness.RUNSC}}})
        dumped = self.dumped_config()
        # Without its default runtime containerd's CRI plugin does not load.
        for runtime in ('runsc', 'runc'):
            self.assertIn('runtimes.%s]' % runtime, dumped)

    def test_broken_files_stay(self):
        self.write()
        with open(self.docker, 'w') as f:
            f.write('{"runtimes": ')
        before = self.read()
        result = self.runsc('install')
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(self.docker, result.stderr)
        self.assertEqual(self.read(), before)

    def test_names(self):
        self.write()
        self.ok('install', '--runtime', 'sandbox')
        self.ok('install')
        self.ok('uninstall', '--runtime', 'sandbox')
        self.assertEqual(sorted(json.loads(self.read()[0])['runtimes']), ['other', 'runsc'])
        self.assertNotEqual(self.runsc('install', '--runtime', 'a b').returncode, 0)

    def test_containerd_takes_it(self):
        self.write()
        self.ok('install')
        dumped = self.dumped_config()
        table = dumped.partition('containerd.runtimes.runsc]')[2]
        self.assertIn('runtime_type = "io.containerd.runc.v2"', table)
        self.assertIn('BinaryName = "%s"' % harness.RUNSC, table)
        self.assertIn('containerd.runtimes.kata]', dumped)
