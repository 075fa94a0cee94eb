"""Limits and statistics by the CRI: what holds for each container of a pod, and what kubelet reads of it."""
import os
import unittest

import harness
import pods
from pods import set_up_module as setUpModule

# Takes memory until it is refused: of the shell and not of a child, which the first process would survive.
HOG = 'x=0123456789abcdef; while :; do x=$x$x; done'


def limited(**resources):
    return {'linux': {'resources': {key: str(value) for key, value in resources.items()}}}


@unittest.skipUnless(os.path.isdir('/sys/fs/cgroup/memory'), 'reads the host\'s cgroups of version 1')
class Limits(pods.Case):
    def test_set_and_update(self):
        pod = self.pod()
        container = pod.serve(**limited(cpu_period=100000, cpu_quota=50000, cpu_shares=512, cpuset_cpus='0',
                                        memory_limit_in_bytes=64 * harness.MIB, oom_score_adj=900))
        other = pod.serve()
        def values():
            return [container.cgroup_file(*file) for file in (
                ('cpu', 'cpu.cfs_period_us'), ('cpu', 'cpu.cfs_quota_us'), ('cpu', 'cpu.shares'),
                ('memory', 'memory.limit_in_bytes'), ('cpuset', 'cpuset.cpus'))]
        self.assertEqual(values(), ['100000', '50000', '512', str(64 * harness.MIB), '0'])
        self.assertEqual(container.said('cat', '/proc/self/oom_score_adj'), '900')
        self.assertEqual(container.said('cat', '/sys/fs/cgroup/memory/memory.limit_in_bytes'), str(64 * harness.MIB))
        self.machine.client.call('UpdateContainerResources', container_id=container.id, linux={
            'cpu_quota': '30000', 'cpu_shares': '256', 'memory_limit_in_bytes': str(96 * harness.MIB)})
        self.assertEqual(values(), ['100000', '30000', '256', str(96 * harness.MIB), '0'])
        self.assertEqual(container.said('cat', '/sys/fs/cgroup/memory/memory.limit_in_bytes'), str(96 * harness.MIB))
        self.assertEqual(other.cgroup_file('cpu', 'cpu.cfs_quota_us'), '-1')

    def test_out_of_memory(self):
        """Only the one ends whose memory it is."""
        pod = self.pod()
        other = pod.serve()
        for _ in range(2):
            hog = pod.run(HOG, **limited(memory_limit_in_bytes=48 * harness.MIB))
            status = hog.wait()
            self.assertEqual((status.exit_code, status.reason), (137, 'OOMKilled'))
        self.assertEqual(other.said('echo', 'alive'), 'alive')
        # Of a process that the container's first one survives.
        survivor = pod.serve('trap "exit 7" TERM; sh -c \'%s\'; echo ready $?; while :; do sleep 0.1; done' % HOG,
                             **limited(memory_limit_in_bytes=48 * harness.MIB))
        self.assertIn('ready 137', survivor.output())
        self.assertEqual(survivor.said('echo', 'alive'), 'alive')

    def test_statistics(self):
        pod = self.pod()
        busy = pod.run('while :; do :; done', **limited(memory_limit_in_bytes=64 * harness.MIB))
        quiet = pod.serve('x=$(head -c 8000000 /dev/zero | tr "\\0" x); ' + pods.SERVICE)
        self.assertEqual(busy.statistics().attributes.metadata.name, busy.config['metadata']['name'])
        before = busy.statistics().cpu.usage_core_nano_seconds.value
        harness.wait_until(lambda: busy.statistics().cpu.usage_core_nano_seconds.value > before + 200_000_000,
                           'its use is counted')
        memory = busy.statistics().memory
        self.assertGreater(memory.usage_bytes.value, 100_000)
        self.assertLess(memory.usage_bytes.value, 32 * harness.MIB)
        self.assertEqual(memory.available_bytes.value, 64 * harness.MIB - memory.working_set_bytes.value)
        self.assertGreater(quiet.statistics().memory.working_set_bytes.value, 8_000_000)
        listed = self.machine.client.call('ListContainerStats', filter={'pod_sandbox_id': pod.id}).stats
        self.assertEqual({stats.attributes.id for stats in listed}, {busy.id, quiet.id})
        stats = pod.statistics()
        self.assertEqual({one.attributes.id for one in stats.containers}, {busy.id, quiet.id})
        self.assertGreaterEqual(stats.cpu.usage_core_nano_seconds.value, before + 200_000_000)
        self.assertGreater(stats.memory.working_set_bytes.value, 8_000_000)
        self.assertEqual(stats.network.default_interface.name, 'eth0')
        busy.said('ping', '-c', '1', '-W', '5', '%s.1' % pods.node.NETWORK)
        harness.wait_until(lambda: pod.statistics().network.default_interface.tx_bytes.value >
                           stats.network.default_interface.tx_bytes.value, 'what it sends is counted')
        metrics = dict(line.split(None, 1) for line in self.machine.ctr('task', 'metrics', busy.id).splitlines()
                       if len(line.split(None, 1)) == 2)
        self.assertEqual(int(metrics['memory.limit_in_bytes']), 64 * harness.MIB)
        self.assertGreater(int(metrics['memory.usage_in_bytes']), 100_000)
        self.assertGreater(int(metrics['cpuacct.usage']), before)


class LimitsOfRunc(Limits):
    handler = 'runc'
