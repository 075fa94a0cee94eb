"""The streams of exec, attach and port-forward, whose addresses the CRI gives: WebSockets with several channels, as
kubectl speaks them through the API server."""
import base64
import ctypes
import json
import os
import socket
import struct
import threading
import urllib.parse

import harness

CLONE_NEWNET = 0x40000000
STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
TEXT, BINARY, CLOSE = 1, 2, 8


def connect_inside(walls, address):
    """A connection made in a network namespace: of a thread, which alone enters it."""
    out = []

    def run():
        with open('/proc/%d/ns/net' % walls.first) as space:
            if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), CLONE_NEWNET) == 0:
                out.append(socket.create_connection(address, timeout=harness.PATIENCE))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return out[0]


class Stream:
    def __init__(self, walls, url, query=''):
        parts = urllib.parse.urlparse(url)
        self.socket = connect_inside(walls, (parts.hostname, parts.port))
        self.file = self.socket.makefile('rb')
        # channel -> all bytes that have come
        self.received = {}
        key = base64.b64encode(os.urandom(16)).decode()
        request = ('GET %s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                   'Origin: http://localhost\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n'
                   'Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n' % (parts.path, query, parts.netloc, key))
        self.socket.sendall(request.encode())
        status = self.file.readline()
        while self.file.readline() != b'\r\n':
            pass
        if b' 101 ' not in status:
            raise AssertionError('no stream: %s' % status)

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, channel, data):
        body = bytes([channel]) + data
        size = struct.pack('>B', 0x80 | len(body)) if len(body) < 126 else struct.pack('>BH', 0x80 | 126, len(body))
        # A client has to mask what it sends; with zeros, that is what it is.
        self.socket.sendall(bytes([0x80 | BINARY]) + size + bytes(4) + body)

    def resize(self, rows, columns):
        self.send(RESIZE, json.dumps({'Width': columns, 'Height': rows}).encode())

    def receive(self):
        """Takes one frame; false at the end."""
        head = self.file.read(2)
        if len(head) < 2 or head[0] & 15 == CLOSE:
            return False
        size = head[1] & 127
        if size == 126:
            size = struct.unpack('>H', self.file.read(2))[0]
        elif size == 127:
            size = struct.unpack('>Q', self.file.read(8))[0]
        body = self.file.read(size)
        if head[0] & 15 in (TEXT, BINARY) and body:
            self.received[body[0]] = self.received.get(body[0], b'') + body[1:]
        return True

    def expect(self, text, channel=STDOUT):
        while text not in self.received.get(channel, b''):
            if not self.receive():
                raise AssertionError('%r has not come: %r' % (text, self.received))

    def end(self):
        """What came of each of stdout and stderr, and the exit status."""
        while self.receive():
            pass
        status = json.loads(self.received.get(ERROR, b'{}'))
        causes = status.get('details', {}).get('causes', [])
        code = 0 if status.get('status') == 'Success' else int(causes[0]['message']) if causes else status
        return self.received.get(STDOUT, b''), self.received.get(STDERR, b''), code
