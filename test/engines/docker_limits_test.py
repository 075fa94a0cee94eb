"""Limits of a container, their change, and what happens at them."""
import docker
import harness

HOG = 'x=0123456789abcdef; while :; do x=$x$x; done'


class DockerLimits(docker.Case):
    def test_limits_are_seen_inside(self):
        flags = ('--memory', '64m', '--cpus', '0.5', '--pids-limit', '50')
        script = ('cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max '
                  '/sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us')
        self.assertEqual(self.same(*flags, script), '67108864\n50\n50000\n100000')

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
        script = ('cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max '
                  '/sys/fs/cgroup/cpu/cpu.cfs_quota_us')
        self.assertEqual(self.ok('exec', 'box', 'sh', '-c', script), '104857600\n20\n50000')
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
                self.wait_state(name, '.State.OOMKilled', 'true')

    def test_much_of_the_time_at_the_limit(self):
        """One program after the other runs out of memory; the sandbox lives on each time."""
        script = 'for i in 1 2 3 4 5; do sh -c "%s"; echo $?; done' % HOG.replace('$', '\\$')
        result = self.run_once('--memory', '48m', '--memory-swap', '48m', script)
        self.assertEqual((result.returncode, result.stdout), (0, '137\n' * 5), result.stderr)
