"""The Kubernetes manifests: well formed, of the handler that `runsc install` writes, and a pod that Podman can play."""
import json
import os
import subprocess
import tempfile
import unittest

import engine
import harness
import kubelet
import podman_test


class Manifests(unittest.TestCase):
    def test_runtime_class(self):
        (runtime,) = kubelet.read('runtime_class.yaml')
        self.assertEqual((runtime['apiVersion'], runtime['kind']), ('node.k8s.io/v1', 'RuntimeClass'))
        # The only members that version has.
        self.assertLessEqual(set(runtime), {'apiVersion', 'kind', 'metadata', 'handler', 'overhead', 'scheduling'})
        self.assertRegex(runtime['handler'], r'\A[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z')
        for quantity in runtime['overhead']['podFixed'].values():
            self.assertRegex(quantity, r'\A[0-9]+(m|Mi)\Z')
        self.assertEqual(set(runtime['scheduling']), {'nodeSelector'})
        for key, value in runtime['scheduling']['nodeSelector'].items():
            self.assertIsInstance(value, str, key)

    def test_pod_uses_it(self):
        (runtime,), (pod,) = kubelet.read('runtime_class.yaml'), kubelet.read('pod.yaml')
        self.assertEqual((pod['apiVersion'], pod['kind']), ('v1', 'Pod'))
        self.assertEqual(pod['spec']['runtimeClassName'], runtime['metadata']['name'])
        volumes = {volume['name'] for volume in pod['spec']['volumes']}
        for container in pod['spec']['containers']:
            self.assertEqual({'name', 'image', 'command'} - set(container), set())
            self.assertEqual(container['image'], kubelet.IMAGE)
            self.assertLessEqual({mount['name'] for mount in container['volumeMounts']}, volumes)

    def test_handler_is_what_install_writes(self):
        (runtime,) = kubelet.read('runtime_class.yaml')
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, 'config.toml')
            subprocess.run([harness.RUNSC, 'install', '--containerd-config', path], check=True,
                           stdout=subprocess.DEVNULL)
            with open(path) as f:
                self.assertIn('[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.%s]' % runtime['handler'],
                              f.read())


class Pod(podman_test.Podman):
    def test_play(self):
        """Podman plays the pod as it is written, in one sandbox of this runtime."""
        self.ok('tag', engine.IMAGE, kubelet.IMAGE)
        self.ok('play', 'kube', '--network', self.name, kubelet.path('pod.yaml'))
        client = 'sandboxed-client'
        harness.wait_until(lambda: self.ok('exec', client, 'cat', '/exchange/answer') == 'served\n', 'the answer')
        self.assertIn('runsc', self.ok('exec', client, 'uname', '-a'))
        self.assertEqual(self.call('exec', 'sandboxed-web', 'touch', '/x').returncode, 1)
        infra = json.loads(self.ok('pod', 'inspect', 'sandboxed'))['InfraContainerID']
        link = ('readlink', '/proc/self/ns/net')
        self.assertEqual(self.ok('exec', client, *link), self.ok('exec', 'sandboxed-web', *link))
        self.assertEqual(self.state(infra)['Status'], 'running')
        self.ok('play', 'kube', '--down', kubelet.path('pod.yaml'))
