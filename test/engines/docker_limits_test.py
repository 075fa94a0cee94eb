"""Limits of a container, their change, and what happens at them."""
import os

import docker

HOG = 'x=0123456789abcdef; while :; do x=$x$x; done'


class DockerLimits(docker.Case):
    def on_the_host(self, file):
        """What a file says in the host's control groups of the containers that there are."""
        out = []
        for group in self.daemon.cgroups():
            path = os.path.join(group, file)
            if os.path.basename(group) != self.daemon.group and os.path.exists(path):
                with open(path) as f:
                    out.append(f.read().strip())
        return out

    def test_limits_are_seen_inside(self):
        flags = ('--memory', '64m', '--cpus', '0.5', '--pids-limit', '50')
        script = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max'
        self.assertEqual(self.same(*flags, script), '67108864\n50')

    def test_processors(self):
        self.assertEqual(self.same('--cpuset-cpus', '0', 'nproc'), '1')

    def test_the_limit_of_processes(self):
        script = 'for i in $(seq 30); do sleep 1000 & done'
        for runtime in ('runc', docker.OURS):
            result = self.run_once('--pids-limit', '12', script, runtime=runtime)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("can't fork: Resource temporarily unavailable", result.stderr)

    def test_update(self):
        self.start('box', '--memory', '200m', '--cpus', '1', '--pids-limit', '100')
        self.ok('update', '--memory', '100m', '--memory-swap', '100m', '--cpus', '0.5', '--pids-limit', '20', 'box')
        script = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max'
        self.assertEqual(self.ok('exec', 'box', 'sh', '-c', script), '104857600\n20')
        self.assertEqual(self.on_the_host('cpu.cfs_quota_us'), ['50000'])
        self.assertEqual(self.on_the_host('memory.limit_in_bytes'), ['104857600'])
        result = self.docker('exec', 'box', 'sh', '-c', 'for i in $(seq 30); do sleep 1000 & done')
        self.assertIn("can't fork", result.stderr)

    def test_out_of_memory(self):
        for runtime in ('runc', docker.OURS):
            with self.subTest(runtime):
                name = 'box-' + runtime
                result = self.docker('run', '--name', name, '--runtime', runtime, '--memory', '64m', '--memory-swap',
                                     '64m', docker.IMAGE, 'sh', '-c', HOG)
                self.assertEqual(result.returncode, 137, result.stderr)
                self.wait_state(name, '.State.OOMKilled', 'true')

    def test_out_of_memory_of_a_child_is_the_childs(self):
        script = 'sh -c "%s"; echo ended with $?; %s' % (HOG.replace('$', '\\$'), docker.SERVICE)
        for runtime in ('runc', docker.OURS):
            with self.subTest(runtime):
                name = 'box-' + runtime
                self.start(name, '--memory', '64m', '--memory-swap', '64m', script=script, runtime=runtime)
                self.assertIn('ended with 137', self.ok('logs', name))
                self.assertEqual(self.ok('exec', name, 'echo', 'lives'), 'lives')
                # Docker shows it when the container has ended.
                self.ok('stop', name)
                self.assertEqual(self.inspect(name, '.State.ExitCode'), '3')
                self.wait_state(name, '.State.OOMKilled', 'true')

    def test_much_of_the_time_at_the_limit(self):
        """One program after the other runs out of memory; the sandbox lives on each time."""
        script = 'for i in 1 2 3 4 5; do sh -c "%s"; echo $?; done' % HOG.replace('$', '\\$')
        result = self.run_once('--memory', '48m', '--memory-swap', '48m', script)
        self.assertEqual((result.returncode, result.stdout), (0, '137\n' * 5), result.stderr)
