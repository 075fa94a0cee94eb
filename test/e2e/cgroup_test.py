"""The host's cgroups of a container, in version 1: the same files with the same values as with runc, read from outside;
update and events; what happens when the host's memory for the container is used up."""
import json
import os
import subprocess
import unittest

import cgroups
from cgroups import FOREVER, MIB, RUNC, directories_named, directories_starting_with
import harness


def is_legacy():
    return os.path.isdir('/sys/fs/cgroup/memory') and not os.path.exists('/sys/fs/cgroup/cgroup.controllers')


# Files that say what a limit is, for each controller of version 1.
LIMIT_FILES = {
    'cpu': ['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.cfs_burst_us', 'cpu.idle'],
    'cpuset': ['cpuset.cpus', 'cpuset.mems'],
    'memory': ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.soft_limit_in_bytes',
               'memory.swappiness'],
    'blkio': ['blkio.throttle.read_bps_device', 'blkio.throttle.write_bps_device', 'blkio.throttle.read_iops_device',
              'blkio.throttle.write_iops_device'],
    'devices': ['devices.list'],
}

# What a bundle says in linux.resources.
CASES = {
    'nothing': {},
    'docker -m': {'memory': {'limit': 64 * MIB, 'swap': 128 * MIB}},
    'reservation': {'memory': {'limit': 64 * MIB, 'reservation': 32 * MIB, 'swappiness': 10}},
    'unlimited memory': {'memory': {'limit': -1}},
    'docker --cpus': {'cpu': {'quota': 50000, 'period': 100000, 'shares': 512}},
    'quota without period': {'cpu': {'quota': 20000}},
    'period without quota': {'cpu': {'period': 50000}},
    'cpuset': {'cpu': {'cpus': '0', 'mems': '0'}},
    'devices of docker': {'devices': [{'allow': False, 'access': 'rwm'},
                                      {'allow': True, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'rwm'},
                                      {'allow': True, 'type': 'b', 'major': 7, 'access': 'rm'}]},
}


@unittest.skipUnless(is_legacy(), 'reads the files of version 1: cgroup_v2_test is for the others')
class Cgroup(cgroups.Case):
    def file(self, controller, name):
        matches = [d for d in directories_named(self.name) if '/%s/' % controller in d]
        self.assertEqual(len(matches), 1, matches)
        with open(matches[0] + '/' + name) as f:
            return f.read().strip()

    def limits(self):
        out = {}
        for controller, names in LIMIT_FILES.items():
            for name in names:
                try:
                    value = self.file(controller, name)
                except FileNotFoundError:
                    value = None
                out[name] = sorted(value.split('\n')) if name == 'devices.list' else value
        return out

    @unittest.skipUnless(RUNC, 'compares with runc')
    def test_same_values_as_runc(self):
        for name, resources in CASES.items():
            with self.subTest(name):
                bundle = self.start_detached(resources)
                ours = (directories_named(self.name), self.limits())
                self.stop()
                self.assertEqual(ours, self.under_runc(bundle, lambda: (directories_named(self.name), self.limits())))

    @unittest.skipUnless(RUNC, 'compares with runc')
    def test_same_places_as_runc(self):
        for path in ('/' + self.name, self.name, '', '/runsc-e2e-above/' + self.name):
            with self.subTest(path):
                bundle = self.start_detached({}, path)
                ours = directories_named(self.name)
                self.stop()
                self.assertEqual(ours, self.under_runc(bundle, lambda: directories_named(self.name)))
        for path in directories_named('runsc-e2e-above'):
            os.rmdir(path)

    @unittest.skipUnless(RUNC, 'compares with runc')
    def test_stats_have_the_shape_of_runcs(self):
        bundle = self.start_detached({'memory': {'limit': 64 * MIB}, 'pids': {'limit': 50}})
        result = self.runsc('events', '--stats', self.name)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertEqual(result.stdout.count('\n'), 1)
        ours = json.loads(result.stdout)
        self.assertEqual((ours['type'], ours['id']), ('stats', self.name))
        self.assertEqual(ours['data']['pids']['limit'], 50, 'the limit that was asked for')
        self.assertEqual(ours['data']['memory']['usage']['limit'], 64 * MIB)
        self.assertGreater(ours['data']['memory']['usage']['usage'], 0)
        self.assertGreater(ours['data']['cpu']['usage']['total'], 0)
        self.stop()

        theirs = self.under_runc(bundle, self.runc_stats)
        self.assertEqual(cgroups.shape(ours), cgroups.shape(theirs))

    def test_host_has_room_for_the_sandbox_beside_the_tasks(self):
        self.start_detached({'pids': {'limit': 20}})
        self.assertEqual(int(self.file('pids', 'pids.max')), 4 * 20 + 64)
        self.stop()

    def test_all_tasks_that_are_allowed_fit_the_host(self):
        result = self.run_bundle(['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; echo up'],
                                 self.change('/' + self.name, {'pids': {'limit': 10}}))
        self.assertEqual((result.returncode, result.stdout), (0, 'up\n'), result.stderr)
        self.assertEqual(directories_named(self.name), [])

    def test_same_id_in_two_roots_at_once(self):
        """Neither names a cgroup: both want the one of their id, and none may end what is the other's."""
        bundle = self.bundle(FOREVER, self.change('', {}))
        roots = [os.path.join(self.work, name) for name in ('root-a', 'root-b', 'root-c')]
        for _ in range(3):
            starts = [subprocess.Popen([harness.RUNSC, '--root', root, 'run', '--detach', '--bundle', bundle, self.name],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                      for root in roots]
            self.assertEqual([start.wait(harness.PATIENCE) for start in starts], [0, 0, 0])
            for i, root in enumerate(roots):
                self.assertEqual(self.statuses(roots), ['stopped'] * i + ['running'] * (len(roots) - i))
                subprocess.run([harness.RUNSC, '--root', root, 'delete', '--force', self.name], check=True,
                               timeout=harness.PATIENCE)
            self.assertEqual(directories_starting_with(self.name), [])

    def statuses(self, roots):
        """'stopped' for a container that is gone."""
        out = []
        for root in roots:
            state = subprocess.run([harness.RUNSC, '--root', root, 'state', self.name], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, timeout=harness.PATIENCE).stdout
            out.append(json.loads(state)['status'] if state else 'stopped')
        return out

    def test_ignore_cgroups(self):
        self.start_detached({'memory': {'limit': 64 * MIB}}, flags=['--ignore-cgroups'])
        self.assertEqual(directories_named(self.name), [])
        self.stop()

    def test_others_processes_are_left_alone(self):
        directory = '/sys/fs/cgroup/pids/' + self.name
        os.mkdir(directory)
        other = subprocess.Popen(['sleep', '1000'])
        with open(directory + '/cgroup.procs', 'w') as f:
            f.write(str(other.pid))
        result = self.run_bundle(['true'], self.change('/' + self.name, {}))
        self.assert_one_error(result, "container's cgroup is not empty: 1 process(es) found in " + directory)
        self.assertIsNone(other.poll())
        other.kill()
        other.wait()
        os.rmdir(directory)

    def test_missing_controller_is_named(self):
        if os.path.isdir('/sys/fs/cgroup/hugetlb'):
            self.skipTest('this host has the controller')
        result = self.run_bundle(['true'], self.change('/' + self.name,
                                                       {'hugepageLimits': [{'pageSize': '2MB', 'limit': 4 * MIB}]}))
        self.assert_one_error(result, 'cannot set hugetlb limit')
        self.assertEqual(directories_named(self.name), [])

    def test_limit_that_the_kernel_refuses(self):
        result = self.run_bundle(['true'], self.change('/' + self.name, {'cpu': {'cpus': '99'}}))
        self.assert_one_error(result, 'write "99" to /sys/fs/cgroup/cpuset/%s/cpuset.cpus' % self.name)
        self.assertEqual(directories_named(self.name), [])

    def test_systemd_is_not_running(self):
        if os.path.isdir('/run/systemd/system'):
            self.skipTest('it is')
        result = self.run_bundle(['true'], self.change('system.slice:runsc:x', {}), flags=['--systemd-cgroup'])
        self.assert_one_error(result, 'systemd cgroup driver asked for, but systemd is not running on this host '
                                      '(no /run/systemd/system)')

    def test_update(self):
        self.start_detached({'cpu': {'shares': 512}})
        cases = [
            (['--cpu-share', '256'], 'cpu', 'cpu.shares', '256'),
            (['--cpu-period', '50000', '--cpu-quota', '25000'], 'cpu', 'cpu.cfs_quota_us', '25000'),
            (['--cpuset-cpus', '0'], 'cpuset', 'cpuset.cpus', '0'),
            (['--memory', '%dm' % (96 * harness.MEMORY_SCALE)], 'memory', 'memory.limit_in_bytes', str(96 * MIB)),
            (['--memory-reservation', str(48 * MIB)], 'memory', 'memory.soft_limit_in_bytes', str(48 * MIB)),
            (['--memory-swap', str(128 * MIB)], 'memory', 'memory.memsw.limit_in_bytes', str(128 * MIB)),
            (['--pids-limit', '30'], 'pids', 'pids.max', str(4 * 30 + 64)),
        ]
        for flags, controller, name, value in cases:
            with self.subTest(' '.join(flags)):
                result = self.runsc('update', *flags, self.name)
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, '', ''))
                self.assertEqual(self.file(controller, name), value)
        self.assertEqual(self.file('cpu', 'cpu.shares'), '256', 'what was changed before stays')
        result = self.runsc('update', '--resources', '-', self.name, input=json.dumps({'cpu': {'shares': 128}}))
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertEqual(self.file('cpu', 'cpu.shares'), '128')
        saved = json.loads(self.state(self.name)['resources'])
        self.assertEqual((saved['cpu']['shares'], saved['pids']['limit'], saved['memory']['limit']),
                         (128, 30, 96 * MIB))
        stats = json.loads(self.runsc('events', '--stats', self.name).stdout)
        self.assertEqual(stats['data']['pids']['limit'], 30)
        self.stop()

    def test_update_that_fails_changes_nothing(self):
        self.start_detached({'cpu': {'shares': 512}})
        for flags, text in ((['--cpu-share', '100', '--cpuset-cpus', '99'], 'cpuset.cpus'),
                            (['--memory', '12q'], "invalid value for memory: invalid size: '12q'"),
                            (['--cpu-period', 'x'], 'invalid value for cpu-period'),
                            (['--blkio-weight', '100000'], 'out of range'),
                            (['--resources', '/nonexistent'], '/nonexistent')):
            with self.subTest(text):
                self.assert_one_error(self.runsc('update', *flags, self.name), text)
                self.assertEqual(self.file('cpu', 'cpu.shares'), '512')
        self.stop()

    def test_update_and_events_of_what_does_not_run(self):
        for words in (['update', '--cpu-share', '5', 'nope'], ['events', 'nope'], ['events', '--stats', 'nope']):
            self.assert_one_error(self.runsc(*words), 'does not exist')
        self.start_detached({}, args=['true'])
        harness.wait_until(lambda: json.loads(self.runsc('state', self.name).stdout)['status'] == 'stopped', 'it ends')
        self.assert_one_error(self.runsc('update', '--cpu-share', '5', self.name), 'container not running')
        self.assert_one_error(self.runsc('events', '--stats', self.name),
                              'container with id %s is not running' % self.name)
        self.stop()

    def test_out_of_memory(self):
        self.assert_out_of_memory_is_told()

    def test_out_of_memory_of_a_child_is_the_childs(self):
        result = self.out_of_memory("sh -c '%s'; echo $?" % self.HOG)
        self.assertEqual((result.returncode, result.stdout), (0, '137\n'), result.stderr)

    def test_out_of_memory_is_counted(self):
        self.start_detached({'memory': {'limit': 64 * MIB, 'swap': 64 * MIB}}, more=self.with_data,
                            args=['sh', '-c', "sh -c '%s'; while ! [ -e /tmp/go ]; do sleep 0.1; done" % self.HOG])

        def memory():
            return json.loads(self.runsc('events', '--stats', self.name).stdout)['data']['memory']
        harness.wait_until(lambda: memory()['raw'].get('oom_kill', 0) >= 1, 'the kill is counted')
        self.assertGreater(memory()['usage']['max'], 32 * MIB)
        self.stop()

    def test_out_of_memory_is_an_event(self):
        self.assert_out_of_memory_is_an_event()

    def test_events_stream_ends_with_the_container(self):
        self.start_detached({})
        events = self.start('events', '--interval', '50ms', self.name)
        first = [json.loads(events.stdout.readline()) for _ in range(3)]
        self.assertEqual({e['type'] for e in first}, {'stats'})
        self.stop()
        code, _, error = self.finish(events)
        self.assertEqual((code, error), (0, ''))

    def test_events_interval_is_checked(self):
        self.start_detached({})
        self.assert_one_error(self.runsc('events', '--interval', '0s', self.name),
                              'duration interval must be greater than 0')
        self.stop()


if __name__ == '__main__':
    unittest.main()
