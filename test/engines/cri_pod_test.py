"""Pods by the CRI: what the containers of a pod share and what not, and their network."""
import os

import node
import pods
from pods import set_up_module as setUpModule

# Answers every connection with a word.
SERVER = 'echo ready; while :; do echo of-%s | nc -l -p %d; done'
SHARED_PIDS = {'linux': {'security_context': {'namespace_options': {'pid': 'POD'}}}}
HOST_NETWORK = {'linux': {'security_context': {'namespace_options': {'network': 'NODE'}}}}


def ask(address, port):
    """A script that waits until a server answers, and prints what it says."""
    return 'until nc %s %d < /dev/null; do sleep 0.1; done' % (address, port)


class Pods(pods.Case):
    def test_status(self):
        versions = self.machine.client.call('Version')
        self.assertEqual((versions.runtime_name, versions.runtime_api_version), ('containerd', 'v1'))
        conditions = self.machine.client.call('Status').status.conditions
        self.assertEqual({condition.type: condition.status for condition in conditions},
                         {'RuntimeReady': True, 'NetworkReady': True})
        pod = self.pod()
        status = pod.status()
        self.assertEqual((status.state, status.metadata.name), (0, pod.config['metadata']['name']))
        self.assertEqual((dict(status.labels), dict(status.annotations)), (pod.config['labels'], {'made': 'by tests'}))
        self.assertEqual((status.runtime_handler, pod.info()['runtimeHandler']), (self.handler, self.handler))
        self.assertEqual([item.id for item in self.machine.client.call('ListPodSandbox').items], [pod.id])

    def test_network(self):
        pod = self.pod(dns_config={'servers': ['10.96.0.10'], 'searches': ['default.svc.cluster.local'],
                                   'options': ['ndots:5']})
        self.assertTrue(pod.ip().startswith(node.NETWORK + '.'))
        container = pod.serve(SERVER % ('pod', 8080))
        self.assertIn(' %s/24 ' % pod.ip(), container.said('ip', '-4', 'addr', 'show', 'eth0'))
        self.assertIn('127.0.0.1/8', container.said('ip', 'addr', 'show', 'lo'))
        self.assertIn('default via %s.1' % node.NETWORK, container.said('ip', 'route'))
        self.assertEqual(container.said('hostname; echo $HOSTNAME; cat /etc/hostname').split(),
                         [pod.config['hostname']] * 3)
        self.assertEqual(container.said('cat', '/etc/resolv.conf'),
                         'search default.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5')
        other = self.pod()
        asking = other.run(ask(pod.ip(), 8080))
        self.assertEqual(asking.result(), ('of-pod\n', 0))
        self.assertEqual(self.machine.run('busybox', 'sh', '-c', ask(pod.ip(), 8080)), 'of-pod\n')

    def test_host_network(self):
        pod = self.pod(hostname='', **HOST_NETWORK)
        container = pod.serve(SERVER % ('node', 8081), **HOST_NETWORK)
        self.assertEqual(container.said('hostname'), self.machine.run('hostname').strip())
        links = self.machine.run('ip', '-o', 'link').count('\n')
        self.assertEqual(container.said('ip -o link | wc -l'), str(links))
        self.assertEqual(self.machine.run('busybox', 'sh', '-c', ask('127.0.0.1', 8081)), 'of-node\n')

    def test_published_port(self):
        pod = self.pod(port_mappings=[{'container_port': 8080, 'host_port': 18080}])
        pod.serve(SERVER % ('pod', 8080))
        address = self.machine.run('hostname', '-I').split()[0]
        self.assertEqual(self.machine.run('busybox', 'sh', '-c', ask(address, 18080)), 'of-pod\n')

    def test_what_is_shared(self):
        pod = self.pod()
        server = pod.serve(SERVER % ('first', 80))
        second = pod.serve()
        self.assertEqual(second.said(ask('127.0.0.1', 80)), 'of-first')
        def links(container):
            return {kind: container.said('readlink', '/proc/self/ns/' + kind)
                    for kind in ('net', 'ipc', 'uts', 'pid', 'mnt')}
        theirs, ours = links(server), links(second)
        self.assertEqual({kind for kind, link in theirs.items() if link == ours[kind]}, {'net', 'ipc', 'uts'})
        server.said('touch /dev/mqueue/queue /tmp/mine; echo text > /dev/shm/memory')
        self.assertEqual(second.said('ls /dev/mqueue /tmp; cat /dev/shm/memory'), '/dev/mqueue:\nqueue\n\n/tmp:\ntext')
        self.assertEqual(second.said('ps | grep -c "[w]hile"'), '1')
        self.assertEqual(second.said('cat /proc/1/cmdline | tr "\\0" " "').split()[0], '/bin/sh')

    def test_shared_processes(self):
        pod = self.pod(**SHARED_PIDS)
        first = pod.serve(**SHARED_PIDS)
        second = pod.serve(**SHARED_PIDS)
        self.assertEqual(second.said('ps | grep -c "[w]hile"'), '2')
        self.assertIn('sleep 2147483647', second.said('cat /proc/1/cmdline | tr "\\0" " "'))
        second.said('for pid in $(ps | sed -n "s/ *\\([0-9]*\\) .*[w]hile.*/\\1/p"); do kill -TERM $pid; done')
        self.assertEqual((first.wait().exit_code, second.wait().exit_code), (7, 7))
        # The orphans of one that is killed are the first process's, which here waits for nobody.
        killed = pod.serve('sleep 1000 & ' + pods.SERVICE, **SHARED_PIDS)
        killed.stop()
        self.assertEqual(killed.status().exit_code, 137)
        killed.remove()
        self.assertEqual(pod.status().state, 0)

    def test_processes_of_another_container(self):
        """As `kubectl debug --target` asks for it."""
        pod = self.pod()
        target = pod.serve('trap "exit 9" USR1; ' + pods.SERVICE)
        options = {'namespace_options': {'pid': 'TARGET', 'target_id': target.id}}
        debug = pod.run('cat /proc/1/cmdline | tr "\\0" " "; kill -USR1 1', linux={'security_context': options})
        output, code = debug.result()
        self.assertIn('exit 9', output)
        # It is killed if the first process of what it has joined ends before it.
        self.assertIn(code, (0, 137))
        self.assertEqual(target.wait().exit_code, 9)

    def test_sysctls(self):
        pod = self.pod(linux={'sysctls': {'net.ipv4.ip_unprivileged_port_start': '80', 'kernel.shm_rmid_forced': '1',
                                          'net.ipv4.ip_local_port_range': '40000 40100'}})
        container = pod.run('cd /proc/sys; cat net/ipv4/ip_unprivileged_port_start kernel/shm_rmid_forced '
                            'net/ipv4/ip_local_port_range')
        self.assertEqual(container.result(), ('80\n1\n40000\t40100\n', 0))

    def test_shared_volume(self):
        pod = self.pod()
        volume = pod.directory + '/empty-dir'
        os.makedirs(volume)
        mount = [{'container_path': '/data', 'host_path': volume}]
        writer = pod.serve('mkfifo /data/fifo; ' + pods.SERVICE, mounts=mount)
        reader = pod.serve(mounts=mount + [{'container_path': '/ro', 'host_path': volume, 'readonly': True}])
        writer.said('echo one > /data/file; ln /data/file /data/link')
        self.assertEqual(reader.said('cat /data/link /ro/file; echo two >> /data/file; touch /ro/x || echo refused'),
                         'one\none\nrefused')
        self.assertEqual(writer.said('cat', '/data/file'), 'one\ntwo')
        with open(volume + '/file') as f:
            self.assertEqual(f.read(), 'one\ntwo\n')
        # What kubelet puts into a volume later, as it does with secrets: by renaming.
        with open(volume + '/..new', 'w') as f:
            f.write('new')
        os.rename(volume + '/..new', volume + '/secret')
        self.assertEqual([container.said('cat', '/data/secret') for container in (writer, reader)], ['new', 'new'])

    def test_meeting_in_a_volume(self):
        """Containers reach each other by sockets and FIFOs in a directory that both have."""
        pod = self.pod()
        volume = pod.directory + '/empty-dir'
        os.makedirs(volume)
        mount = [{'container_path': '/data', 'host_path': volume}]
        logging = pod.serve('ln -s /data/log /dev/log; syslogd -O /data/messages; mkfifo /data/fifo; '
                            + pods.SERVICE, mounts=mount)
        other = pod.serve('ln -s /data/log /dev/log; ' + pods.SERVICE, mounts=mount)
        other.said('until logger of-other; do sleep 0.1; done; '
                   'until grep -q of-other /data/messages; do sleep 0.1; done')
        logging.said('(echo through > /data/fifo) > /dev/null 2>&1 &')
        self.assertEqual(other.said('cat', '/data/fifo'), 'through')


class PodsOfRunc(Pods):
    handler = 'runc'


class OneSandbox(pods.Case):
    def test_of_a_pod(self):
        """Its containers have a gofer and a relay each, and one kernel, in one boot process."""
        pod = self.pod()
        containers = [pod.serve() for _ in range(3)]
        lines = [line for _, line in self.machine.walls.processes()]
        self.assertEqual(len([line for line in lines if line.startswith('runsc boot')]), 1)
        self.assertEqual(len([line for line in lines if line.startswith('runsc gofer')]), 4)
        self.assertEqual(len(self.machine.walls.shims()), 1)
        self.assertEqual(len({container.said('cat /proc/sys/kernel/random/boot_id') for container in containers}), 1)
        self.pod().serve()
        lines = [line for _, line in self.machine.walls.processes()]
        self.assertEqual(len([line for line in lines if line.startswith('runsc boot')]), 2)

    def test_of_the_node(self):
        """A pod that asks for the node's processes and IPC has its own."""
        options = {'linux': {'security_context': {'namespace_options': {'pid': 'NODE', 'ipc': 'NODE'}}}}
        first, second = (self.pod(**options).serve(**options) for _ in range(2))
        shown = first.said('cat /proc/[0-9]*/cmdline | tr "\\0" " "')
        self.assertEqual((shown.count('while'), shown.count('containerd')), (1, 0), shown)
        first.said('touch', '/dev/mqueue/of-first')
        self.assertEqual(second.said('ls', '/dev/mqueue'), '')
