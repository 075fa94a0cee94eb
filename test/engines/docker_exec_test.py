"""What is done with a container that runs: exec, attach, logs, top, stats, pause, cp."""
import json
import os

import docker
import harness


class DockerExec(docker.Case):
    def test_exec(self):
        self.start('box', '--env', 'A=b', '--workdir', '/tmp', '--hostname', 'name')
        result = self.docker('exec', 'box', 'sh', '-c', 'echo $A; pwd; hostname; id -u; echo error >&2; exit 5')
        self.assertEqual((result.returncode, result.stdout, result.stderr), (5, 'b\n/tmp\nname\n0\n', 'error\n'))
        script = 'id -u; id -g; pwd; echo $Z'
        self.assertEqual(self.ok('exec', '--user', '12:34', '--workdir', '/etc', '--env', 'Z=1', 'box', 'sh', '-c', script),
                         '12\n34\n/etc\n1')
        self.assertEqual(self.ok('exec', '--interactive', 'box', 'cat', input='typed\n'), 'typed')
        self.assertIn('executable file not found', self.fails(126, 'exec', 'box', 'nosuch'))
        self.assertIn('permission denied', self.fails(126, 'exec', 'box', '/etc'))
        self.ok('exec', '--detach', 'box', 'sh', '-c', 'echo detached > /tmp/mark')
        harness.wait_until(lambda: self.docker('exec', 'box', 'cat', '/tmp/mark').stdout == 'detached\n', 'it was run')

    def test_exec_at_a_terminal(self):
        self.start('box')
        person = self.person('exec', '--interactive', '--tty', 'box', 'sh')
        person.type('tty; echo size $(stty size)\n')
        person.expect(rb'/dev/pts/\d')
        person.expect(rb'size 24 80')
        person.resize(30, 100)
        # Docker passes it on when its signal comes.
        person.type('until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; echo now $(stty size)\n')
        person.expect(rb'\nnow 30 100')
        # The shell itself, on its way to start it, may lose the key.
        person.type('sleep 1234\n')
        harness.wait_until(lambda: 'sleep 1234' in self.ok('exec', 'box', 'ps'), 'it sleeps')
        person.type('\x03')
        person.type('echo after $((1+1)); exit 6\n')
        person.expect(rb'after 2')
        self.assertEqual(person.end(), 6)

    def test_run_at_a_terminal(self):
        person = self.person('run', '--rm', '--interactive', '--tty', docker.IMAGE, 'sh')
        person.type('echo is $(tty) $((20+3))\n')
        person.expect(rb'is /dev/(pts/\d|console) 23')
        person.type('exit 5\n')
        self.assertEqual(person.end(), 5)

    def test_attach(self):
        self.ok('run', '--detach', '--interactive', '--tty', '--name', 'box', docker.IMAGE, 'sh')
        person = self.person('attach', 'box')
        person.type('echo here $((2+3))\n')
        person.expect(rb'here 5')
        person.type('\x10\x11')  # detaches
        person.end()  # with 0 or 1, as the client's version has it
        self.assertEqual(self.inspect('box', '.State.Status'), 'running')
        person = self.person('attach', 'box')
        person.type('exit 8\n')
        self.assertEqual(person.end(), 8)
        self.assertEqual(self.inspect('box', '.State.ExitCode'), '8')

    def test_logs(self):
        self.ok('run', '--name', 'box', docker.IMAGE, 'sh', '-c', 'echo one; echo two >&2; echo three')
        result = self.docker('logs', 'box')
        self.assertEqual((result.stdout, result.stderr), ('one\nthree\n', 'two\n'))
        # The two streams are taken down by two readers: which of their last lines comes last is chance.
        self.assertIn(self.docker('logs', '--tail', '1', 'box').stdout, ('three\n', ''))

    def test_many_lines_of_output(self):
        self.assertEqual(self.same('seq 20000 | tee /dev/stderr | tail -n 1').splitlines()[-1], '20000')

    def test_top(self):
        # The rows are the host's view of the processes, as many as there are inside, with their names.
        for runtime in ('runc', docker.OURS):
            self.start('top-' + runtime, script='/bin/sleep 1000 & /bin/sleep 1000 & echo ready; wait', runtime=runtime)
            rows = self.ok('top', 'top-' + runtime, '-o', 'pid,ppid').splitlines()
            self.assertEqual(rows[0].split(), ['PID', 'PPID'])
            self.assertEqual(len(rows), 4, rows)
            self.assertTrue(all(row.split()[0].isdigit() for row in rows[1:]))
            names = self.ok('top', 'top-' + runtime, '-o', 'pid,comm').splitlines()[1:]
            self.assertEqual(sorted(row.split()[1] for row in names), ['sh', 'sleep', 'sleep'])

    def test_stats_are_true(self):
        size = 48 << 20
        script = 'dd if=/dev/zero of=/dev/shm/held bs=1M count=48 2>/dev/null; echo ready; while :; do :; done'
        self.start('box', '--shm-size', '64m', '--memory', '256m', '--cpus', '0.5', script=script)

        def figures():
            text = self.ok('stats', '--no-stream', '--format', '{{json .}}', 'box')
            return json.loads(text)
        found = figures()
        used, _, limit = found['MemUsage'].partition(' / ')
        self.assertEqual(limit, '256MiB')
        self.assertTrue(used.endswith('MiB'), used)
        self.assertGreaterEqual(float(used[:-3]) * (1 << 20), size)
        self.assertLess(float(used[:-3]), 256)
        # A busy loop: never nothing, and no more than the quota allows (with the slack of one period).
        share = float(found['CPUPerc'].rstrip('%'))
        self.assertGreater(share, 0)
        self.assertLess(share, 75)
        self.assertGreater(int(found['PIDs']), 0)

    def test_pause(self):
        self.start('box', script='trap "exit 3" TERM; echo ready; i=0; while :; do i=$((i+1)); echo $i > /tmp/n; done')
        self.ok('pause', 'box')
        self.assertEqual(self.inspect('box', '.State.Status'), 'paused')
        self.assertIn('is paused', self.fails(1, 'exec', 'box', 'true'))
        self.ok('unpause', 'box')
        self.ok('exec', 'box', 'true')
        self.ok('stop', 'box')
        self.assertEqual(self.inspect('box', '.State.ExitCode'), '3')

    def test_copies_in_and_out(self):
        self.start('box', script='echo first > /root/seen; cat /root/seen; ' + docker.SERVICE)
        for name, text in (('new', 'into it\n'), ('seen', 'changed\n')):
            with open(os.path.join(self.work, name), 'w') as f:
                f.write(text)
            self.ok('cp', os.path.join(self.work, name), 'box:/root/' + name)
            # At once: the container's kernel must not answer from what it remembers.
            self.assertEqual(self.ok('exec', 'box', 'cat', '/root/' + name) + '\n', text)
        self.ok('exec', 'box', 'sh', '-c', 'mkdir -p /root/made/deep; echo made > /root/made/deep/file; chmod 600 /root/new')
        self.ok('cp', 'box:/root/made', self.work + '/out')
        with open(self.work + '/out/deep/file') as f:
            self.assertEqual(f.read(), 'made\n')
        self.ok('stop', 'box')
        self.ok('cp', 'box:/root/new', self.work + '/later')
        self.assertEqual(os.stat(self.work + '/later').st_mode & 0o777, 0o600)

    def test_diff_and_commit(self):
        for runtime in ('runc', docker.OURS):
            name = 'box-' + runtime
            self.ok('run', '--name', name, '--runtime', runtime, docker.IMAGE, 'sh', '-c',
                    'echo text > /root/added; rm /etc/group; chmod 700 /data; ln -s added /root/link')
            self.assertEqual(sorted(self.ok('diff', name).splitlines()),
                             ['A /root/added', 'A /root/link', 'C /data', 'C /etc', 'C /root', 'D /etc/group'])
        self.addCleanup(self.docker, 'image', 'rm', 'committed')
        self.ok('commit', 'box-' + docker.OURS, 'committed')
        self.assertEqual(self.ok('run', '--rm', '--runtime', 'runc', 'committed', 'cat', '/root/link'), 'text')
