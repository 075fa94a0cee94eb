"""Networks of Docker: none, the daemon's own, the bridge, networks of users."""
import subprocess

import docker
import harness

SERVER = 'mkdir /w; echo page > /w/index.html; httpd -p 80 -h /w; ' + docker.SERVICE
GET = 'wget -q -O - http://%s/'


class DockerNetwork(docker.Case):
    def test_none(self):
        self.assertEqual(self.same('--network', 'none', 'ls /sys/class/net; ip -o addr | wc -l; '
                                   'ping -c 1 -W 20 127.0.0.1 | grep received'),
                         'lo\n1\n1 packets transmitted, 1 packets received, 0% packet loss')

    def test_of_the_host(self):
        self.assertIn('docker0', self.same('--network', 'host', 'ls /sys/class/net; ip -o link | wc -l').split())

    def test_the_bridge_as_the_container_sees_it(self):
        for runtime in ('runc', docker.OURS):
            said = self.said('ls /sys/class/net; ip -o -4 addr | grep -c 172.29.34; ip route | head -n 1; '
                             'cat /sys/class/net/eth0/mtu /sys/class/net/eth0/operstate; '
                             'ip link show eth0 | grep -c $(cat /sys/class/net/eth0/address)', runtime=runtime)
            self.assertEqual(said, 'eth0\nlo\n1\ndefault via 172.29.34.1 dev eth0 \n1500\nup\n1')

    def test_traffic_between_containers(self):
        self.start('server', script=SERVER)
        address = self.inspect('server', '.NetworkSettings.IPAddress')
        self.assertEqual(self.same(GET % address), 'page')
        self.assertEqual(self.same('--link', 'server:web', GET % 'web'), 'page')
        self.assertEqual(self.same('--network', 'container:server', GET % '127.0.0.1'), 'page')

    def test_a_server_of_runc(self):
        self.start('server', script=SERVER, runtime='runc')
        address = self.inspect('server', '.NetworkSettings.IPAddress')
        self.assertEqual(self.same(GET % address), 'page')

    def test_a_published_port(self):
        self.start('server', '--publish', '8080:80', script=SERVER)
        self.assertEqual(self.ok('port', 'server', '80/tcp').splitlines()[0], '0.0.0.0:8080')
        bridge = '172.29.34.1'
        for address in ('127.0.0.1', bridge):
            result = subprocess.run(self.daemon.walls.inside('busybox', 'wget', '-q', '-O', '-',
                                                       'http://%s:8080/' % address),
                                    stdout=subprocess.PIPE, text=True, timeout=harness.PATIENCE, check=False)
            self.assertEqual(result.stdout, 'page\n')

    def test_names_in_a_network_of_a_user(self):
        self.ok('network', 'create', 'mine')
        self.addCleanup(self.docker, 'network', 'rm', 'mine')
        # Containers go before their network.
        self.addCleanup(self.remove_containers)
        self.start('server', '--network', 'mine', '--network-alias', 'other-name', script=SERVER)
        for name in ('server', 'other-name'):
            self.assertEqual(self.same('--network', 'mine', GET % name), 'page')
        self.assertIn('127.0.0.11', self.said('--network', 'mine', 'cat /etc/resolv.conf'))

    def test_networks_come_and_go_while_it_runs(self):
        self.ok('network', 'create', 'second')
        self.addCleanup(self.docker, 'network', 'rm', 'second')
        self.addCleanup(self.remove_containers)
        self.start('box')
        listing = ('exec', 'box', 'ls', '/sys/class/net')
        self.assertEqual(self.ok(*listing), 'eth0\nlo')
        self.ok('network', 'connect', 'second', 'box')
        self.assertEqual(self.ok(*listing), 'eth0\neth1\nlo')
        self.assertEqual(self.ok('exec', 'box', 'sh', '-c', 'ip -o -4 addr | wc -l'), '3')
        self.ok('network', 'disconnect', 'second', 'box')
        self.assertEqual(self.ok(*listing), 'eth0\nlo')

    def test_settings_reach_the_host(self):
        self.start('box', '--sysctl', 'net.ipv4.tcp_keepalive_time=99')
        self.assertEqual(self.said('--network', 'container:box', 'cat /proc/sys/net/ipv4/tcp_keepalive_time',
                                   runtime='runc'), '99')
