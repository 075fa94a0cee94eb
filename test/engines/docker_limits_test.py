"""Limits of a container, their change, and what happens at them."""
import os

import docker
import harness

# The files of both versions: which one a container is shown is the host's choice.
SHOW_LIMITS = ('cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max; '
               'cat pids/pids.max 2>/dev/null || cat pids.max')
SHOW_QUOTA = ('cd /sys/fs/cgroup; if [ -e cpu.max ]; then cat cpu.max; '
              'else echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us); fi')
LIMIT = '%dm' % (64 * harness.MEMORY_SCALE)
HOG = 'x=0123456789abcdef; while :; do x=$x$x; done'


class DockerLimits(docker.Case):
    def on_the_host(self, *files):
        """What the one of these files that there is says in the host's control groups of the containers."""
        out = []
        for group in self.daemon.cgroups():
            for path in (os.path.join(group, file) for file in files):
                if os.path.basename(group) != self.daemon.group and os.path.exists(path):
                    with open(path) as f:
                        out.append(f.read().split()[0])
        return out

    def test_limits_are_seen_inside(self):
        flags = ('--memory', LIMIT, '--cpus', '0.5', '--pids-limit', '50')
        self.assertEqual(self.same(*flags, SHOW_LIMITS), '%d\n50' % (64 * harness.MIB))
        self.assertEqual(self.same(*flags, SHOW_QUOTA), '50000 100000')

    def test_processors(self):
        script = 'nproc; grep Cpus_allowed_list /proc/self/status; grep -c ^processor /proc/cpuinfo'
        for processor in os.sched_getaffinity(0):
            shown = self.same('--cpuset-cpus', str(processor), script)
            self.assertTrue(shown.startswith('1\nCpus_allowed_list:\t%d\n' % processor), shown)

    def test_the_limit_of_processes(self):
        script = 'for i in $(seq 30); do sleep 1000 & done'
        for runtime in ('runc', docker.OURS):
            result = self.run_once('--pids-limit', '12', script, runtime=runtime)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("can't fork: Resource temporarily unavailable", result.stderr)

    def test_update(self):
        self.start('box', '--memory', '%dm' % (200 * harness.MEMORY_SCALE), '--cpus', '1', '--pids-limit', '100')
        less = str(100 * harness.MIB)
        self.ok('update', '--memory', less, '--memory-swap', less, '--cpus', '0.5', '--pids-limit', '20', 'box')
        self.assertEqual(self.ok('exec', 'box', 'sh', '-c', SHOW_LIMITS), less + '\n20')
        self.assertEqual(self.ok('exec', 'box', 'sh', '-c', SHOW_QUOTA), '50000 100000')
        self.assertEqual(self.on_the_host('cpu.cfs_quota_us', 'cpu.max'), ['50000'])
        self.assertEqual(self.on_the_host('memory.limit_in_bytes', 'memory.max'), [less])
        result = self.docker('exec', 'box', 'sh', '-c', 'for i in $(seq 30); do sleep 1000 & done')
        self.assertIn("can't fork", result.stderr)

    def test_out_of_memory(self):
        for runtime in ('runc', docker.OURS):
            with self.subTest(runtime):
                name = 'box-' + runtime
                result = self.docker('run', '--name', name, '--runtime', runtime, '--memory', LIMIT, '--memory-swap',
                                     LIMIT, docker.IMAGE, 'sh', '-c', HOG)
                self.assertEqual(result.returncode, 137, result.stderr)
                self.wait_state(name, '.State.OOMKilled', 'true')

    def test_out_of_memory_of_a_child_is_the_childs(self):
        script = 'sh -c "%s"; echo ended with $?; %s' % (HOG.replace('$', '\\$'), docker.SERVICE)
        for runtime in ('runc', docker.OURS):
            with self.subTest(runtime):
                name = 'box-' + runtime
                self.start(name, '--memory', LIMIT, '--memory-swap', LIMIT, script=script, runtime=runtime)
                self.assertIn('ended with 137', self.ok('logs', name))
                self.assertEqual(self.ok('exec', name, 'echo', 'lives'), 'lives')
                # Docker shows it when the container has ended.
                self.ok('stop', name)
                self.assertEqual(self.inspect(name, '.State.ExitCode'), '3')
                self.wait_state(name, '.State.OOMKilled', 'true')

    def test_much_of_the_time_at_the_limit(self):
        """One program after the other runs out of memory; the sandbox lives on each time."""
        script = 'for i in 1 2 3 4 5; do sh -c "%s"; echo $?; done' % HOG.replace('$', '\\$')
        limit = str(48 * harness.MIB)
        result = self.run_once('--memory', limit, '--memory-swap', limit, script)
        self.assertEqual((result.returncode, result.stdout), (0, '137\n' * 5), result.stderr)
