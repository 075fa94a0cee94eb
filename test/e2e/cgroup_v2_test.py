"""The host's cgroups of a container, in version 2, made by files and by systemd: the same files with the same values as
with runc; update, events, the end of memory; what is left when the boot process is killed."""
import json
import os
import signal
import subprocess
import unittest

import cgroups
from cgroups import FOREVER, MIB, RUNC, directories_named
import harness


def controllers():
    try:
        with open('/sys/fs/cgroup/cgroup.controllers') as f:
            return set(f.read().split())
    except FileNotFoundError:
        return set()


LIMIT_FILES = ['cpu.max', 'cpu.max.burst', 'cpu.weight', 'cpu.idle', 'cpuset.cpus', 'cpuset.mems', 'memory.max',
               'memory.low', 'memory.high', 'memory.swap.max', 'io.weight', 'io.bfq.weight', 'hugetlb.2MB.max']

# What a bundle says in linux.resources.
CASES = {
    'nothing': {},
    'docker -m': {'memory': {'limit': 64 * MIB, 'swap': 128 * MIB}},
    'no swap': {'memory': {'limit': 64 * MIB, 'reservation': 32 * MIB, 'swap': 64 * MIB}},
    'unlimited memory': {'memory': {'limit': -1}},
    'docker --cpus': {'cpu': {'quota': 50500, 'period': 100000, 'shares': 512}},
    'quota without period': {'cpu': {'quota': 20000}},
    'period without quota': {'cpu': {'period': 50000}},
    'cpuset': {'cpu': {'cpus': '0', 'mems': '0'}},
    'io': {'blockIO': {'weight': 500}},
    'unified': {'unified': {'memory.high': str(48 * MIB), 'cpu.max': '30000 100000', 'cpuset.cpus': '0'}},
}


@unittest.skipUnless({'cpu', 'cpuset', 'io', 'memory', 'pids'} <= controllers(), 'needs the controllers of version 2')
class Files(cgroups.Case):
    def directory(self):
        found = directories_named(self.group)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def file(self, name):
        with open(self.directory() + '/' + name) as f:
            return f.read().strip()

    def limits(self):
        out = {'directory': self.directory()}
        for name in LIMIT_FILES:
            if os.path.exists(self.directory() + '/' + name):
                out[name] = self.file(name)
        return out

    @unittest.skipUnless(RUNC, 'compares with runc')
    def test_same_places_and_values_as_runc(self):
        for name, resources in CASES.items():
            with self.subTest(name):
                bundle = self.start_detached(resources)
                ours = self.limits()
                self.stop()
                self.assertEqual(ours, self.under_runc(bundle, self.limits))

    @unittest.skipUnless(RUNC, 'compares with runc')
    def test_stats_have_the_shape_of_runcs(self):
        bundle = self.start_detached({'memory': {'limit': 64 * MIB}, 'pids': {'limit': 50}})
        result = self.runsc('events', '--stats', self.name)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        ours = json.loads(result.stdout)
        self.assertEqual(ours['data']['pids'], {'current': 1, 'limit': 50}, 'the tasks, and the limit, of the container')
        self.assertEqual(ours['data']['memory']['usage']['limit'], 64 * MIB)
        self.assertGreater(ours['data']['memory']['usage']['usage'], 0)
        self.assertGreater(ours['data']['cpu']['usage']['total'], 0)
        self.stop()
        self.assertEqual(cgroups.shape(ours), cgroups.shape(self.under_runc(bundle, self.runc_stats)))

    def test_all_processes_are_inside_before_the_hooks_run(self):
        def with_hook(spec):
            spec['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': [
                'sh', '-c', 'cat %s/cgroup.procs > %s/seen' % (self.expected_directory(), self.work)]}]}
        self.start_detached({'pids': {'limit': 20}}, more=with_hook)
        state = self.state(self.name)
        with open(self.work + '/seen') as f:
            self.assertLessEqual({state['boot']['pid'], state['gofer']['pid']}, set(map(int, f.read().split())))
        self.assertEqual(self.directory(), self.expected_directory())
        self.assertEqual(int(self.file('pids.max')), 4 * 20 + 64)
        self.stop()

    def expected_directory(self):
        return '/sys/fs/cgroup/' + self.group

    def test_update(self):
        self.start_detached({'cpu': {'shares': 512}})
        for flags, name, value in ((['--cpu-share', '1024'], 'cpu.weight', '39'),
                                   (['--cpu-period', '100000', '--cpu-quota', '30500'], 'cpu.max', '30500 100000'),
                                   (['--cpuset-cpus', '0'], 'cpuset.cpus', '0'),
                                   (['--memory', str(96 * MIB)], 'memory.max', str(96 * MIB)),
                                   (['--memory-reservation', str(48 * MIB)], 'memory.low', str(48 * MIB)),
                                   (['--memory-swap', str(128 * MIB)], 'memory.swap.max', str(32 * MIB)),
                                   (['--pids-limit', '30'], 'pids.max', str(4 * 30 + 64))):
            with self.subTest(' '.join(flags)):
                result = self.runsc('update', *flags, self.name)
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, '', ''))
                self.assertEqual(self.file(name), value)
        self.assertEqual(self.file('cpu.weight'), '39', 'what was changed before stays')
        self.assert_one_error(self.runsc('update', '--cpuset-cpus', '99', self.name), 'cpuset.cpus')
        self.assertEqual(self.file('cpuset.cpus'), '0')
        self.stop()

    def test_out_of_memory(self):
        self.assert_out_of_memory_is_told()

    def test_out_of_memory_is_an_event(self):
        self.assert_out_of_memory_is_an_event()

    def test_pause_holds_and_resume_goes_on(self):
        self.start_detached({})
        for command, status in (('pause', 'paused'), ('resume', 'running')):
            self.assertEqual(self.runsc(command, self.name).returncode, 0)
            self.assertEqual(json.loads(self.runsc('state', self.name).stdout)['status'], status)
        self.stop()

    def test_nothing_is_left_of_a_killed_boot_process(self):
        self.start_detached({})
        os.kill(self.state(self.name)['boot']['pid'], signal.SIGKILL)
        harness.wait_until(lambda: json.loads(self.runsc('state', self.name).stdout)['status'] == 'stopped', 'it stops')
        self.assertEqual(self.runsc('delete', self.name).returncode, 0)
        self.assertEqual(directories_named(self.group), [])


def properties(unit, names):
    """What systemd has for them."""
    out = subprocess.run(['systemctl', 'show', '--property', ','.join(names), unit], check=True, text=True,
                         stdout=subprocess.PIPE, timeout=harness.PATIENCE).stdout
    return dict(line.split('=', 1) for line in out.splitlines())


@unittest.skipUnless(os.path.isdir('/run/systemd/system'), 'systemd does not run here')
class Systemd(Files):
    DRIVER = ('--systemd-cgroup',)
    PROPERTIES = ('Slice Delegate DefaultDependencies CPUAccounting MemoryAccounting TasksAccounting IOAccounting '
                  'CPUWeight CPUQuotaPerSecUSec CPUQuotaPeriodUSec AllowedCPUs AllowedMemoryNodes MemoryMax MemoryLow '
                  'MemoryHigh MemorySwapMax').split()

    def setUp(self):
        super().setUp()
        self.group = 'runsc-%s.scope' % self.name
        self.path = 'machine.slice:runsc:' + self.name

    def expected_directory(self):
        return '/sys/fs/cgroup/machine.slice/' + self.group

    def stop(self):
        super().stop()
        self.assertEqual(properties(self.group, ['ActiveState']), {'ActiveState': 'inactive'})

    @unittest.skipUnless(RUNC, 'compares with runc')
    def test_same_properties_as_runc(self):
        for name, resources in CASES.items():
            with self.subTest(name):
                bundle = self.start_detached(resources)
                ours = properties(self.group, self.PROPERTIES)
                self.stop()
                theirs = self.under_runc(bundle, lambda: properties(self.group, self.PROPERTIES))
                if name == 'no swap':
                    # runc leaves a limit of 0 out: the container may swap after a reload of systemd.
                    self.assertEqual((ours['MemorySwapMax'], theirs['MemorySwapMax']), ('0', 'infinity'))
                    theirs['MemorySwapMax'] = '0'
                self.assertEqual(ours, theirs)

    def test_limits_outlive_a_reload(self):
        self.start_detached(CASES['cpuset'])
        self.assertEqual(self.runsc('update', '--memory', str(96 * MIB), '--cpu-share', '1024', self.name).returncode, 0)
        before = self.limits()
        subprocess.run(['systemctl', 'daemon-reload'], check=True, timeout=harness.PATIENCE)
        self.assertEqual(self.limits(), before)
        self.stop()

    def test_paths_that_name_no_unit(self):
        for path, text in (('/a/b', 'expected cgroupsPath to be of format "slice:prefix:name"'),
                           ('no-slice:p:n', 'invalid slice name'), ('system.slice:p:', 'names no unit of systemd')):
            with self.subTest(path):
                self.assert_one_error(self.run_bundle(['true'], self.change(path, {}), self.DRIVER), text)


if __name__ == '__main__':
    unittest.main()
