"""kill -9 of each process of a pod, and of containerd: what ends with it, what goes on, and that nothing is left."""
import os
import signal

import harness
import pods
from pods import set_up_module as setUpModule


class Kills(pods.Case):
    def setUp(self):
        super().setUp()
        self.sandbox = self.pod()
        self.first, self.second = self.sandbox.serve(), self.sandbox.serve()

    def kill(self, is_meant, which=0):
        """The one with the number `which` of those whose command line is meant, oldest first."""
        pids = sorted(pid for pid, line in self.machine.walls.processes() if is_meant(line))
        os.kill(pids[which], signal.SIGKILL)

    def assert_all_end(self):
        harness.wait_until(lambda: self.sandbox.status().state == 1, 'the pod is not ready')
        self.assertEqual([container.wait().exit_code for container in (self.first, self.second)], [137, 137])

    def assert_second_goes_on(self):
        self.assertEqual(self.first.wait().exit_code, 137)
        self.assertEqual(self.second.said('echo', 'alive'), 'alive')
        self.assertEqual(self.sandbox.run('echo again').result(), ('again\n', 0))

    def test_the_kernel(self):
        self.kill(lambda line: line.startswith('runsc boot'))
        self.assert_all_end()

    def test_the_gofer_of_the_pod(self):
        self.kill(lambda line: line.startswith('runsc gofer'))
        self.assert_all_end()

    def test_the_gofer_of_a_container(self):
        self.kill(lambda line: line.startswith('runsc gofer'), 1)
        self.assert_second_goes_on()

    def test_the_relay_of_a_container(self):
        self.kill(lambda line: line.startswith(self.machine.runtime) and ' create ' in line)
        self.assert_second_goes_on()

    def test_the_shim(self):
        for pid in self.machine.walls.shims():
            os.kill(pid, signal.SIGKILL)
        harness.wait_until(lambda: self.sandbox.status().state == 1, 'the pod is not ready')

    def test_the_shim_and_containerd(self):
        for pid in self.machine.walls.shims():
            os.kill(pid, signal.SIGKILL)
        self.machine.stop(signal.SIGKILL)
        self.machine.start()
        self.sandbox.client = self.machine.client
        harness.wait_until(lambda: self.sandbox.status().state == 1, 'the pod is not ready')
