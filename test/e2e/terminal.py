"""A person at a terminal: runs a command on a new pseudoterminal, types, and looks at what is shown."""
import array
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import termios
import time

import harness


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


class Screen:
    """The master of a terminal. Everything shown is in `shown`; waits end as soon as what they wait for is there."""

    def __init__(self, master):
        self.master = master
        self.shown = b''
        self.seen = 0  # where the next expect() begins

    def read(self, seconds):
        """False at the end: nobody has the terminal any more. None: nothing came."""
        if not select.select([self.master], [], [], seconds)[0]:
            return None
        try:
            chunk = os.read(self.master, 65536)
        except OSError:
            chunk = b''
        self.shown += chunk
        return bool(chunk)

    def expect(self, pattern):
        """The match of a pattern behind all that was expected before."""
        end = time.monotonic() + harness.PATIENCE
        while True:
            match = re.compile(pattern, re.DOTALL).search(self.shown, self.seen)
            if match:
                self.seen = match.end()
                return match
            if self.read(1) is False or time.monotonic() > end:
                raise AssertionError('%r is not shown in %r' % (pattern, self.shown[-4000:]))

    def type(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self.master, data):]

    def expect_end(self):
        end = time.monotonic() + harness.PATIENCE
        while self.read(1) is not False:
            if time.monotonic() > end:
                raise AssertionError('does not end: %r' % self.shown[-4000:])

    def close(self):
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


class Person(Screen):
    """Screen of a command that this object started as leader of a session with that terminal."""

    def __init__(self, command, rows=24, columns=80):
        pid, master = pty.fork()
        if pid == 0:
            try:
                set_size(0, rows, columns)
                os.execvp(command[0], command)
            finally:
                os._exit(127)
        super().__init__(master)
        self.pid = pid

    def resize(self, rows, columns):
        set_size(self.master, rows, columns)

    def end(self):
        """Reads to the end; the exit status of the command."""
        self.expect_end()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = 0
        self.close()
        return status

    def abandon(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
        self.close()


class ConsoleSocket:
    """The other end of --console-socket: receives the master of a container's terminal."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(harness.PATIENCE)

    def receive(self):
        connection = self.listener.accept()[0]
        with connection:
            connection.settimeout(harness.PATIENCE)
            fds = array.array('i')
            space = socket.CMSG_SPACE(fds.itemsize)
            _, ancillary, _, _ = connection.recvmsg(4096, space)
            for level, kind, data in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        self.listener.close()
        os.unlink(self.path)
        if len(fds) != 1:
            raise AssertionError('%d descriptors on the console socket' % len(fds))
        os.set_inheritable(fds[0], False)
        return Screen(fds[0])
