"""What a container has of its caller and of config.json: nice value, oom_score_adj, scheduler, processors; and what it
is shown of its limits."""
import os
import resource
import subprocess
import unittest

import harness
import oci

FOREVER = ('sleep', '1000')
CPUS = sorted(os.sched_getaffinity(0))


def processes_of(pid):
    """A container's first process and what it has started, as the host sees them."""
    out = [pid]
    for child in harness.children(pid):
        out += processes_of(child)
    return out


def read_int(path):
    with open(path) as f:
        return int(f.read())


def with_priority(nice=0, oom_score_adj=None):
    """For a caller of another priority than this program's."""
    def apply():
        os.nice(nice)
        if oom_score_adj is not None:
            with open('/proc/self/oom_score_adj', 'w') as f:
                f.write(str(oom_score_adj))
    return apply


class Priority(oci.Case):
    def inside(self, name, *words, **options):
        return self.ok('exec', name, 'busybox', *words, **options).strip()

    def host_scores(self, name, pid):
        """oom_score_adj of all host processes of a container, the file server included."""
        state = self.state(name)
        pids = processes_of(pid) + ([state['gofer']['pid']] if state and 'gofer' in state else [])
        return {read_int('/proc/%d/oom_score_adj' % p) for p in pids}

    def test_nice_value_of_the_caller(self):
        # Field 19 of its own stat, and of a child's.
        script = ("busybox cut -d' ' -f19 /proc/self/stat > /data/nice; (busybox cut -d' ' -f19 /proc/self/stat) >> /data/nice; "
                  'exec sleep 1000')
        pid = self.run_detached('c', ('sh', '-c', script), self.shared,
                                preexec_fn=with_priority(nice=5))
        own = os.getpriority(os.PRIO_PROCESS, 0)
        self.wait_file(self.work + '/nice', '%d\n' % (own + 5) * 2)
        self.assertEqual({os.getpriority(os.PRIO_PROCESS, p) for p in processes_of(pid)}, {own + 5})
        self.assertEqual(self.nice_of_exec(preexec_fn=with_priority(nice=7)), own + 7)
        self.assertEqual(self.nice_of_exec(), own)
        self.kill_and_delete('c', pid)

    def test_limits_of_the_caller(self):
        """Those that config.json does not name, of the container and of what is executed in it."""
        def with_limits(descriptors, core):
            def apply():
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
                resource.setrlimit(resource.RLIMIT_CORE, (core, core))
                resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))
            return apply
        # In descriptors, blocks of 512 bytes, kilobytes.
        ask = 'ulimit -n; ulimit -Hc; ulimit -s'
        pid = self.run_detached('c', ('sh', '-c', '(%s) > /data/limits; exec sleep 1000' % ask), self.shared,
                                preexec_fn=with_limits(700, 1 << 20))
        self.wait_file(self.work + '/limits', '700\n2048\n4096\n')
        self.assertEqual(self.ok('exec', 'c', 'sh', '-c', ask, preexec_fn=with_limits(600, 0)), '600\n0\n4096\n')
        self.kill_and_delete('c', pid)

        def name_one(spec):
            spec['process']['rlimits'] = [{'type': 'RLIMIT_NOFILE', 'soft': 100, 'hard': 200}]
            return self.shared(spec)
        os.unlink(self.work + '/limits')
        pid = self.run_detached('c', ('sh', '-c', '(%s) > /data/limits; exec sleep 1000' % ask), name_one,
                                preexec_fn=with_limits(700, 1 << 20))
        self.wait_file(self.work + '/limits', '100\n2048\n4096\n')
        self.kill_and_delete('c', pid)

    def nice_of_exec(self, **options):
        return int(self.inside('c', 'cut', '-d', ' ', '-f19', '/proc/self/stat', **options))

    def test_oom_score_of_the_configuration(self):
        pid = self.run_detached('c', FOREVER, lambda spec: spec['process'].update(oomScoreAdj=321))
        self.assertEqual(self.inside('c', 'cat', '/proc/1/oom_score_adj'), '321')
        self.assertEqual(self.inside('c', 'cat', '/proc/self/oom_score_adj'), '321')
        self.assertEqual(self.host_scores('c', pid), {321})
        self.kill_and_delete('c', pid)

    def test_oom_score_of_the_caller(self):
        pid = self.run_detached('c', FOREVER, preexec_fn=with_priority(oom_score_adj=77))
        self.assertEqual(self.inside('c', 'cat', '/proc/1/oom_score_adj'), '77')
        self.assertEqual(self.host_scores('c', pid), {77})
        self.kill_and_delete('c', pid)

    def test_oom_score_is_inherited_and_changed(self):
        pid = self.run_detached('c', FOREVER)
        script = 'echo 500 > /proc/self/oom_score_adj; cat /proc/self/oom_score_adj; sh -c "cat /proc/self/oom_score_adj"'
        self.assertEqual(self.inside('c', 'sh', '-c', script), '500\n500')
        self.assertNotEqual(self.runsc('exec', 'c', 'sh', '-c', 'echo 1001 > /proc/self/oom_score_adj').returncode, 0)
        self.kill_and_delete('c', pid)

    @oci.not_in_runc('the one of Debian 12 knows neither scheduler nor ioPriority')
    def test_scheduler_of_the_configuration(self):
        def change(spec):
            spec['process']['scheduler'] = {'policy': 'SCHED_BATCH', 'nice': 3}
            spec['process']['ioPriority'] = {'class': 'IOPRIO_CLASS_IDLE', 'priority': 0}
        pid = self.run_detached('c', FOREVER, change)
        self.assertEqual(self.nice_of_exec(), 3)
        self.assertEqual(self.inside('c', 'cut', '-d', ' ', '-f41', '/proc/1/stat'), str(os.SCHED_BATCH))
        self.assertEqual(self.inside('c', 'ionice', '-p', '1'), 'idle')
        for host in processes_of(pid) + [self.state('c')['gofer']['pid']]:
            self.assertEqual(os.getpriority(os.PRIO_PROCESS, host), 3)
            self.assertEqual(os.sched_getscheduler(host), os.SCHED_BATCH)
        self.kill_and_delete('c', pid)

    @unittest.skipUnless(len(CPUS) > 1, 'needs two processors')
    def test_processors_keep_their_numbers(self):
        one = CPUS[1]
        pid = self.run_detached('c', FOREVER, self.on_processor(one))
        self.assertEqual(self.inside('c', 'nproc'), '1')
        self.assertTrue(self.inside('c', 'taskset', '-p', '1').endswith(' %x' % (1 << one)))
        status = dict(line.split(':\t', 1) for line in self.inside('c', 'cat', '/proc/self/status').splitlines())
        self.assertEqual(status['Cpus_allowed_list'], str(one))
        self.assertEqual(int(status['Cpus_allowed'].replace(',', ''), 16), 1 << one)
        # What the machine has is shown, whoever may use it.
        host = subprocess.run(['grep', '-c', '^processor', '/proc/cpuinfo'], stdout=subprocess.PIPE, text=True).stdout
        self.assertEqual(self.inside('c', 'grep', '-c', '^processor', '/proc/cpuinfo'), host.strip())
        with open('/sys/devices/system/cpu/online') as f:
            self.assertEqual(self.inside('c', 'cat', '/sys/devices/system/cpu/online'), f.read().strip())
        self.assertNotEqual(self.runsc('exec', 'c', 'busybox', 'taskset', '-p', '%x' % (1 << CPUS[0]), '1').returncode, 0)
        self.ok('update', '--cpuset-cpus', str(CPUS[0]), 'c')
        self.assertTrue(self.inside('c', 'taskset', '-p', '1').endswith(' %x' % (1 << CPUS[0])))
        self.kill_and_delete('c', pid)

    def on_processor(self, number):
        def change(spec):
            spec['linux']['resources'] = {'cpu': {'cpus': str(number)}}
            spec['mounts'].append({'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs', 'options': ['ro']})
        return change


@unittest.skipUnless(os.path.isdir('/sys/fs/cgroup/memory') or os.path.exists('/sys/fs/cgroup/cgroup.controllers'),
                     'the host has no cgroups')
class ShownLimits(oci.Case):
    MIB = harness.MIB

    def limited(self, spec):
        # Ours shows the version that the type names; under runc both are what the host has.
        kind = 'cgroup2' if os.path.exists('/sys/fs/cgroup/cgroup.controllers') else 'cgroup'
        spec['linux']['resources'] = {
            'memory': {'limit': 64 * self.MIB, 'swap': 96 * self.MIB, 'reservation': 32 * self.MIB},
            'cpu': {'quota': 50000, 'period': 80000, 'shares': 512}, 'pids': {'limit': 40}}
        spec['linux']['namespaces'].append({'type': 'cgroup'})
        spec['mounts'] += [
            {'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs', 'options': ['ro']},
            {'destination': '/sys/fs/cgroup', 'type': kind, 'source': 'cgroup', 'options': ['ro']}]

    def shown(self, files):
        return {name: self.ok('exec', 'c', 'cat', '/sys/fs/cgroup/' + name).strip() for name in files}

    @unittest.skipIf(os.path.exists('/sys/fs/cgroup/cgroup.controllers'), 'a host of version 1')
    def test_version_1(self):
        pid = self.run_detached('c', FOREVER, self.limited)
        wanted = {'cpu/cpu.cfs_quota_us': '50000', 'cpu/cpu.cfs_period_us': '80000', 'cpu/cpu.shares': '512',
                  'memory/memory.limit_in_bytes': str(64 * self.MIB),
                  'memory/memory.memsw.limit_in_bytes': str(96 * self.MIB),
                  'memory/memory.soft_limit_in_bytes': str(32 * self.MIB), 'pids/pids.max': '40'}
        self.assertEqual(self.shown(wanted), wanted)
        self.assertLess(int(self.shown(['memory/memory.usage_in_bytes']).popitem()[1]), 64 * self.MIB)
        self.ok('update', '--cpu-quota', '20000', '--memory', '%dM' % (80 * harness.MEMORY_SCALE), '--memory-swap',
                str(128 * self.MIB), 'c')
        wanted.update({'cpu/cpu.cfs_quota_us': '20000', 'memory/memory.limit_in_bytes': str(80 * self.MIB),
                       'memory/memory.memsw.limit_in_bytes': str(128 * self.MIB)})
        self.assertEqual(self.shown(wanted), wanted)
        self.kill_and_delete('c', pid)

    @oci.not_in_runc('shows the version that the host has')
    def test_version_2(self):
        def change(spec):
            self.limited(spec)
            spec['mounts'][-1]['type'] = 'cgroup2'
        pid = self.run_detached('c', FOREVER, change)
        wanted = {'cpu.max': '50000 80000', 'cpu.weight': '20', 'memory.max': str(64 * self.MIB),
                  'memory.swap.max': str(32 * self.MIB), 'memory.low': str(32 * self.MIB), 'pids.max': '40',
                  'cpuset.cpus.effective': ','.join(self.ranges())}
        self.assertEqual(self.shown(wanted), wanted)
        self.kill_and_delete('c', pid)

    def ranges(self):
        with open('/proc/self/status') as f:
            line = next(line for line in f if line.startswith('Cpus_allowed_list'))
        return line.split()[1].split(',')
