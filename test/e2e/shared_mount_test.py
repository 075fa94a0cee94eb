"""A bind mount that the host and the container change in turn: each sees at once what the other did."""
import os
import subprocess

import harness


class SharedMount(harness.Case):
    def setUp(self):
        super().setUp()
        self.shared = os.path.join(self.work, 'shared')
        os.mkdir(self.shared)
        self.process = None

    def tearDown(self):
        if self.process:
            self.process.communicate(timeout=harness.PATIENCE)  # the end of its input is the end of the shell
        super().tearDown()

    def path(self, name):
        return os.path.join(self.shared, name)

    def start_shell(self, *options):
        """A shell inside that answers each line."""
        def change(spec):
            spec['mounts'].append({'destination': '/mnt', 'type': 'bind', 'source': self.shared,
                                   'options': ['bind', 'rw'] + list(options)})
            for kind in ('bounding', 'permitted', 'effective'):
                spec['process']['capabilities'][kind] = ['CAP_CHOWN', 'CAP_FOWNER']
        self.process = self.start('run', '--bundle', self.bundle(['sh'], change), 'c', stdin=subprocess.PIPE)

    def inside(self, command):
        self.process.stdin.write('{ ' + command + '; } 2>&1; echo "status $?"\n')
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            self.assertTrue(line, 'the shell has ended: ' + ''.join(lines))
            if line.startswith('status '):
                return ''.join(lines) + line
            lines.append(line)

    def test_host_changes_are_seen(self):
        self.start_shell()
        look = 'stat -c "%n %a %u %s %h" /mnt/f'
        self.assertIn('No such file', self.inside(look))
        with open(self.path('f'), 'w') as f:
            f.write('one')
        os.chmod(self.path('f'), 0o640)
        self.assertEqual(self.inside(look), '/mnt/f 640 0 3 1\nstatus 0\n')
        # Twice each, so that the second time something is cached.
        for uid in (1234, 1235, 0):
            os.chown(self.path('f'), uid, uid)
            for _ in range(2):
                self.assertEqual(self.inside(look), '/mnt/f 640 %d 3 1\nstatus 0\n' % uid)
        for mode in (0o600, 0o604):
            os.chmod(self.path('f'), mode)
            for _ in range(2):
                self.assertEqual(self.inside(look), '/mnt/f %o 0 3 1\nstatus 0\n' % mode)
        os.link(self.path('f'), self.path('g'))
        os.truncate(self.path('g'), 100)
        self.assertEqual(self.inside(look), '/mnt/f 604 0 100 2\nstatus 0\n')
        os.unlink(self.path('f'))
        self.assertIn('No such file', self.inside(look))
        os.rename(self.path('g'), self.path('f'))
        self.assertEqual(self.inside(look), '/mnt/f 604 0 100 1\nstatus 0\n')

    def test_changes_inside_are_seen_on_the_host(self):
        self.start_shell()
        self.assertEqual(self.inside('mkdir /mnt/d; echo hello > /mnt/d/f; cat /mnt/d/f'), 'hello\nstatus 0\n')
        with open(self.path('d/f')) as f:
            self.assertEqual(f.read(), 'hello\n')
        self.assertEqual(self.inside('chown 77 /mnt/d/f; chmod 751 /mnt/d/f; stat -c "%u %a" /mnt/d/f'),
                         '77 751\nstatus 0\n')
        status = os.stat(self.path('d/f'))
        self.assertEqual((status.st_uid, status.st_mode & 0o7777), (77, 0o751))
        self.assertEqual(self.inside('mv /mnt/d/f /mnt/d/g; rm /mnt/d/g; ls /mnt/d'), 'status 0\n')
        self.assertEqual(os.listdir(self.path('d')), [])

    def test_a_directory_replaced_on_the_host(self):
        os.mkdir(self.path('d'))
        with open(self.path('d/old'), 'w'):
            pass
        self.start_shell()
        self.assertEqual(self.inside('ls /mnt/d; cd /mnt/d'), 'old\nstatus 0\n')
        os.rename(self.path('d'), self.path('e'))
        os.mkdir(self.path('d'))
        with open(self.path('d/new'), 'w'):
            pass
        self.assertEqual(self.inside('ls /mnt/d'), 'new\nstatus 0\n')
        self.assertEqual(self.inside('ls .; ls /mnt/e'), 'old\nold\nstatus 0\n')
