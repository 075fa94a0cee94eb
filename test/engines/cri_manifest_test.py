"""The pod of kubernetes/pod.yaml on a node, as kubelet would have it run."""
import harness
import kubelet
import pods
from pods import set_up_module as setUpModule


class Manifests(pods.Case):
    def test_run(self):
        """As a cluster has it run that knows both manifests."""
        (runtime,), (manifest,) = kubelet.read('runtime_class.yaml'), kubelet.read('pod.yaml')
        self.assertEqual(manifest['spec']['runtimeClassName'], runtime['metadata']['name'])
        self.handler = runtime['handler']
        self.machine.import_image(kubelet.IMAGE)
        pod = self.pod(hostname=manifest['metadata']['name'])
        web, client = (kubelet.run_container(pod, container) for container in manifest['spec']['containers'])
        harness.wait_until(lambda: client.exec('cat /exchange/answer').stdout == b'served\n', 'the answer')
        self.assertIn('runsc', client.said('uname', '-a'))
        self.assertEqual(web.exec('touch /x').exit_code, 1)
        self.assertEqual(web.said('sed -n "s/MemTotal: *//p" /proc/meminfo'), '%d kB' % (128 << 10))
