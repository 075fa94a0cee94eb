"""`kubectl exec`, `attach` and `port-forward`, as far as a node has a part in them."""
import hashlib
import os

import harness
import pods
import stream
from pods import set_up_module as setUpModule


class Streams(pods.Case):
    def stream(self, method, query='', **request):
        url = self.machine.client.call(method, **request).url
        out = stream.Stream(self.machine.walls, url, query)
        self.addCleanup(out.close)
        return out

    def exec(self, container, script, **flags):
        return self.stream('Exec', container_id=container.id, cmd=['/bin/sh', '-c', script], stdout=True, **flags)

    def test_exec(self):
        container = self.pod().serve()
        plain = self.exec(container, 'echo out; echo error >&2; exit 6', stderr=True)
        self.assertEqual(plain.end(), (b'out\n', b'error\n', 6))
        self.assertEqual(self.exec(container, 'head -c 300000 /dev/zero').end(), (bytes(300000), b'', 0))
        asked = self.exec(container, 'read line; echo "got $line"', stdin=True)
        asked.send(stream.STDIN, b'word\n')
        self.assertEqual(asked.end(), (b'got word\n', b'', 0))
        # As `kubectl cp` does.
        copied = self.exec(container, 'head -c 1000000 | sha256sum; echo done', stdin=True)
        data = os.urandom(1000000)
        for begin in range(0, len(data), 20000):
            copied.send(stream.STDIN, data[begin:begin + 20000])
        self.assertEqual(copied.end(), (b'%s  -\ndone\n' % hashlib.sha256(data).hexdigest().encode(), b'', 0))

    def test_terminal(self):
        container = self.pod().serve()
        shell = self.stream('Exec', container_id=container.id, cmd=['/bin/sh'], tty=True, stdin=True, stdout=True)
        shell.expect(b'# ')
        shell.resize(33, 99)
        shell.send(stream.STDIN, b'until [ "$(stty size)" = "33 99" ]; do sleep 0.1; done; tty; echo si"ze"\n')
        shell.expect(b'/dev/pts/')
        shell.expect(b'\nsize\r\n')
        shell.send(stream.STDIN, b'sh -c "echo up; sleep 1001"\n')
        shell.expect(b'\nup\r\n')
        shell.send(stream.STDIN, b'\x03')
        shell.expect(b'^C')
        shell.send(stream.STDIN, b'exit 3\n')
        self.assertEqual(shell.end()[2], 3)
        self.assertEqual(container.said('ps | grep -c "[s]leep 1001" || true'), '0')

    def test_attach(self):
        pod = self.pod()
        container = pod.run('while read line; do echo "got $line"; done; exit 4', stdin=True)
        first = self.stream('Attach', container_id=container.id, stdin=True, stdout=True)
        first.send(stream.STDIN, b'one\n')
        first.expect(b'got one\n')
        first.close()
        second = self.stream('Attach', container_id=container.id, stdin=True, stdout=True)
        second.send(stream.STDIN, b'two\n')
        second.expect(b'got two\n')
        harness.wait_until(lambda: container.output() == 'got one\ngot two\n', 'both are in the log')
        terminal = pod.run('/bin/sh', '-i', stdin=True, tty=True)
        shell = self.stream('Attach', container_id=terminal.id, tty=True, stdin=True, stdout=True)
        shell.send(stream.STDIN, b'exit 5\n')
        shell.end()
        self.assertEqual(terminal.wait().exit_code, 5)

    def test_port_forward(self):
        pod = self.pod()
        pod.serve('echo ready; while :; do echo of-pod | nc -l -p 8080; done')

        def answer():
            forwarded = self.stream('PortForward', '?port=8080', pod_sandbox_id=pod.id, port=[8080])
            while forwarded.receive():
                if b'\n' in forwarded.received.get(0, b''):
                    break
            # Both channels begin with the port.
            return forwarded.received[0][2:]
        self.assertEqual(harness.wait_until(answer, 'the server answers'), b'of-pod\n')


class StreamsOfRunc(Streams):
    handler = 'runc'
