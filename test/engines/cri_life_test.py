"""The life of pods and containers by the CRI: ends, restarts, removal, and restarts of containerd."""
import os
import signal

import grpc

import harness
import pods
from pods import set_up_module as setUpModule


class Life(pods.Case):
    def test_stop(self):
        pod = self.pod()
        polite = pod.serve('trap "echo bye; exit 5" TERM; ' + pods.SERVICE.partition(';')[2])
        polite.stop(timeout=60)
        status = polite.status()
        self.assertEqual((status.state, status.exit_code, status.reason), (2, 5, 'Error'))
        self.assertIn('bye', polite.output())
        deaf = pod.serve('trap "echo no" TERM; ' + pods.SERVICE.partition(';')[2])
        deaf.stop(timeout=1)
        self.assertEqual(deaf.status().exit_code, 137)
        self.assertIn('no\n', deaf.output())
        for container in (polite, deaf):
            container.stop()
            container.remove()
            container.remove()
        self.assertEqual(list(self.machine.client.call('ListContainers').containers), [])

    def test_restart_of_one(self):
        """As kubelet does after its end: a new container of the same name, while the others go on."""
        pod = self.pod()
        other = pod.serve()
        for attempt in range(3):
            container = pod.run('echo of %d; exit %d' % (attempt, attempt),
                                metadata={'name': 'again', 'attempt': attempt})
            self.assertEqual(container.result(), ('of %d\n' % attempt, attempt))
            if attempt:
                container.remove()
        self.assertEqual(other.said('echo', 'alive'), 'alive')
        self.assertEqual(pod.status().state, 0)

    def test_removal(self):
        """Of what runs, of what has never run, and of a pod with all."""
        pod = self.pod()
        running, created = pod.serve(), pod.create('true')
        self.assertEqual(created.status().state, 0)
        running.remove()
        created.remove()
        left = [pod.serve(), pod.create('true')]
        pod.stop()
        self.assertEqual((pod.status().state, left[0].status().exit_code), (1, 137))
        pod.stop()
        with self.assertRaises(grpc.RpcError):
            left[1].start()
        with self.assertRaises(grpc.RpcError):
            pod.run('true')

    def test_the_sandbox_dies(self):
        """All of it: kubelet sees that, and makes a new one."""
        pod = self.pod()
        container = pod.serve()
        os.kill(self.outside(pod.info()['pid']), signal.SIGKILL)
        harness.wait_until(lambda: pod.status().state == 1, 'the pod is seen as not ready')
        if self.is_ours:
            self.assertEqual(container.wait().exit_code, 137)

    def outside(self, inner):
        """The pid of a process that containerd names."""
        for pid, _ in self.machine.walls.processes():
            with open('/proc/%d/status' % pid) as f:
                spaces = next(line for line in f if line.startswith('NSpid:')).split()[1:]
            if str(inner) in spaces[1:2] or spaces[-1:] == [str(inner)]:
                return pid
        raise AssertionError('no process %d' % inner)

    def test_containerd_restarts(self):
        pod = self.pod()
        stays, ends = pod.serve(), pod.serve()
        ending = self.outside(ends.info()['pid'])
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.machine.stop(number)
            if number == signal.SIGTERM:
                os.kill(ending, signal.SIGTERM)
            self.machine.start()
            for part in (pod, stays, ends):
                part.client = self.machine.client
            self.assertEqual((pod.status().state, stays.is_running()), (0, True))
            self.assertEqual(stays.said('echo', 'alive'), 'alive')
        self.assertEqual(ends.wait().exit_code, 7)
        self.assertEqual(pod.run('echo new').result(), ('new\n', 0))
        stays.stop(timeout=60)
        self.assertEqual(stays.status().exit_code, 7)


class LifeOfRunc(Life):
    handler = 'runc'
