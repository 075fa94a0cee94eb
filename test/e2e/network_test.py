"""Networks of a sandbox: its own loopback, a namespace that others have prepared, the host's."""
import http.server
import os
import subprocess
import threading
import unittest
import urllib.request

import harness

# A network that nothing else uses (RFC 2544: benchmarks).
HOST_ADDRESS, GUEST_ADDRESS = '198.18.97.1', '198.18.97.2'


def tool(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Namespace:
    """A network namespace with one end of a cable whose other end is ours. It goes away with its process."""

    def __init__(self):
        self.process = subprocess.Popen(['unshare', '--net', 'sh', '-c', 'echo; exec sleep 1000'],
                                        stdout=subprocess.PIPE, start_new_session=True)
        self.process.stdout.readline()
        self.path = '/proc/%d/ns/net' % self.process.pid
        self.device = 'rsc%d' % os.getpid()
        tool('ip', 'link', 'add', self.device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', str(self.process.pid))
        tool('ip', 'address', 'add', HOST_ADDRESS + '/24', 'dev', self.device)
        tool('ip', 'link', 'set', self.device, 'up')
        self.inside('ip', 'address', 'add', GUEST_ADDRESS + '/24', 'dev', 'eth0')
        self.inside('ip', 'link', 'set', 'eth0', 'up')
        self.inside('ip', 'link', 'set', 'lo', 'up')

    def inside(self, *words):
        tool('nsenter', '--net=' + self.path, *words)

    def close(self):
        tool('ip', 'link', 'delete', self.device)
        self.process.kill()
        self.process.communicate()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'from outside\n'
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def capable(*names):
    def change(spec):
        spec['process']['capabilities'] = {s: list(names) for s in ('bounding', 'effective', 'permitted')}
    return change


class Network(harness.Case):
    def setUp(self):
        super().setUp()
        self.closing = []

    def tearDown(self):
        for close in reversed(self.closing):
            close()
        super().tearDown()

    def namespace(self):
        namespace = Namespace()
        self.closing.append(namespace.close)
        return namespace

    def inside(self, script, change=None, flags=()):
        """The output of a busybox script in a sandbox."""
        result = self.run_bundle(['sh', '-c', script], change, flags)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def in_namespace(self, path, *changes):
        def change(spec):
            for each in changes:
                each(spec)
            for namespace in spec['linux']['namespaces']:
                if namespace['type'] == 'network':
                    namespace['path'] = path
        return change

    def serve(self, address):
        """A page outside, at the port that is returned."""
        server = http.server.HTTPServer((address, 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.closing += [server.server_close, server.shutdown]
        return server.server_port

    def test_none_has_a_loopback_only(self):
        for flags in (('--network=none',), ()):
            out = self.inside('busybox ip -o link; busybox ip -o address; busybox ip route; cat /proc/net/dev', flags=flags)
            self.assertIn('lo: <LOOPBACK,UP,LOWER_UP', out)
            self.assertIn('inet 127.0.0.1/8', out)
            self.assertNotIn('eth0', out)
            self.assertNotIn('default', out)

    def test_talks_to_itself(self):
        out = self.inside('echo page > /data/index.html; busybox httpd -p 127.0.0.1:8080 -h /data && '
                          'busybox wget -q -O - http://127.0.0.1:8080/; busybox netstat -ltn')
        self.assertIn('page\n', out)
        self.assertRegex(out, r'127\.0\.0\.1:8080 .*LISTEN')

    def test_reserved_ports_are_the_applications_matter(self):
        script = 'busybox httpd -p 127.0.0.1:80 -h /data && echo bound'
        self.assertIn('bound', self.inside(script, capable('CAP_NET_BIND_SERVICE')))
        result = self.run_bundle(['sh', '-c', script], capable())
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('ermission denied', result.stderr)

        def unreserved(spec):
            spec['linux']['sysctl'] = {'net.ipv4.ip_unprivileged_port_start': '80'}
        self.assertIn('bound', self.inside(script, unreserved))

    def test_pings_itself(self):
        out = self.inside('busybox ping -c 2 127.0.0.1', capable('CAP_NET_RAW'))
        self.assertIn('2 packets received', out)
        self.assertIn('ttl=64', out)
        result = self.run_bundle(['sh', '-c', 'busybox ping -c 1 127.0.0.1'], capable())
        self.assertIn('permission denied', result.stderr)

    def test_joins_a_namespace(self):
        namespace = self.namespace()
        port = self.serve(HOST_ADDRESS)
        script = ('busybox ip -o address; busybox ip route; busybox wget -q -O - http://%s:%d/'
                  % (HOST_ADDRESS, port))
        out = self.inside(script, self.in_namespace(namespace.path, capable('CAP_NET_RAW')))
        self.assertIn('inet %s/24' % GUEST_ADDRESS, out)
        self.assertIn('198.18.97.0/24 dev eth0', out)
        self.assertIn('from outside\n', out)

    def test_serves_a_namespace(self):
        namespace = self.namespace()
        script = 'echo from inside > /data/index.html; busybox httpd -f -p 80 -h /data'
        change = self.in_namespace(namespace.path, capable('CAP_NET_BIND_SERVICE'))
        process = self.start('run', '--bundle', self.bundle(['sh', '-c', script], change), 'served')
        self.wait_running('served', process)

        def fetch():
            try:
                with urllib.request.urlopen('http://%s/' % GUEST_ADDRESS, timeout=5) as answer:
                    return answer.read()
            except OSError:
                return None
        self.assertEqual(harness.wait_until(fetch, 'the page is served'), b'from inside\n')
        self.runsc('kill', 'served', 'KILL')
        self.finish(process)

    def test_prepared_by_a_hook(self):
        """As Docker does: the namespace is new, and a hook puts the interface into it before the start."""
        device = 'rsh%d' % os.getpid()
        hook = ('pid=$(sed -n \'s/.*"pid": *\\([0-9]*\\).*/\\1/p\'); ip link add %s type veth peer name eth7 netns $pid && '
                'nsenter --net=/proc/$pid/ns/net ip address add 198.18.98.1/24 dev eth7' % device)

        def change(spec):
            spec['hooks'] = {'prestart': [{'path': '/bin/sh', 'args': ['sh', '-c', hook],
                                           'env': ['PATH=' + os.environ['PATH']]}]}
        self.assertIn('inet 198.18.98.1/24', self.inside('busybox ip -o address', change))

    def test_without_a_namespace_it_is_the_hosts(self):
        def change(spec):
            spec['linux']['namespaces'] = [n for n in spec['linux']['namespaces'] if n['type'] != 'network']
        script = 'busybox wget -q -O - http://127.0.0.1:%d/ || echo refused' % self.serve('127.0.0.1')
        self.assertEqual(self.inside(script, change), 'from outside\n')
        self.assertIn('refused', self.inside(script, change, ('--network=none',)))

    def test_nothing_is_changed_from_inside(self):
        out = self.inside('busybox ip link set lo down; echo $?; busybox ifconfig lo down; echo $?; '
                          'busybox ip -o link', capable('CAP_NET_ADMIN', 'CAP_NET_RAW'))
        self.assertEqual(out.split('\n')[:2], ['2', '1'], out)
        self.assertIn('UP', out)


if __name__ == '__main__':
    unittest.main()
