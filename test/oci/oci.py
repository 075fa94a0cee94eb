"""What the lifecycle tests share: a container's commands, its end as its parent sees it, and errors as callers read them."""
import array
import json
import os
import signal
import socket
import subprocess
import unittest

import harness

IS_RUNC = os.path.basename(harness.RUNSC) == 'runc'


def not_in_runc(reason):
    return unittest.skipIf(IS_RUNC, reason)


def receive_fd(listener):
    """What one SCM_RIGHTS message on the next connection holds: (its text, the descriptors)."""
    listener.settimeout(harness.PATIENCE)
    connection, _ = listener.accept()
    with connection:
        text, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(16 * 4))
    fds = array.array('i')
    for level, kind, data in ancillary:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        fds.frombytes(data)
    return text, list(fds)


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.ids = []
        self.log = os.path.join(self.work, 'log.json')

    def tearDown(self):
        for name in self.ids:
            self.runsc('delete', '--force', name)
        super().tearDown()

    def ok(self, *words, **options):
        """A command that has to succeed; what it prints."""
        result = self.runsc(*words, **options)
        self.assertEqual(result.returncode, 0, '%s: %s' % (words, result.stderr))
        return result.stdout

    def fails(self, *words, **options):
        """A command that has to fail with status 1 (`code` another): the message that callers find in the log."""
        code = options.pop('code', 1)
        if os.path.exists(self.log):
            os.unlink(self.log)
        result = self.runsc('--log', self.log, '--log-format', 'json', *words, **options)
        self.assertEqual(result.returncode, code, '%s: %s%s' % (words, result.stdout, result.stderr))
        with open(self.log) as f:
            entry = json.loads(f.read().splitlines()[-1])
        self.assertEqual(sorted(entry), ['level', 'msg', 'time'])
        self.assertEqual(entry['level'], 'error')
        self.assertRegex(entry['time'], r'\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[-+]\d\d:\d\d)\Z')
        self.assertIn(entry['msg'], result.stderr)
        return entry['msg']

    def create(self, name, args=('true',), change=None, flags=(), before=(), **options):
        """`create`, with flags of its own and others `before` it; the pid that the pid file gives."""
        self.ids.append(name)
        pid_file = os.path.join(self.work, name + '.pid')
        # No pipes: the container would hold them open after `create`.
        options.setdefault('stdout', subprocess.DEVNULL)
        options.setdefault('stdin', subprocess.DEVNULL)
        error_path = os.path.join(self.work, name + '.err')
        with open(error_path, 'w+') as error:
            options.setdefault('stderr', error)
            status = subprocess.run(
                self.command(*before, 'create', '--bundle', self.bundle(args, change), '--pid-file', pid_file, *flags, name),
                timeout=harness.PATIENCE, **options).returncode
            error.seek(0)
            self.assertEqual(status, 0, error.read())
        with open(pid_file) as f:
            return int(f.read())

    def run_detached(self, name, args, change=None, flags=(), **options):
        pid = self.create(name, args, change, flags, **options)
        self.ok('start', name)
        return pid

    def oci_state(self, name):
        return json.loads(self.ok('state', name))

    def status(self, name):
        return self.oci_state(name)['status']

    def end_of(self, pid):
        """Waits, as a shim does, for a process that was handed to us; its exit code as a shell gives it."""
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def wait_file(self, path, text=None):
        """Waits until a file of a container is there and holds `text`."""
        def check():
            try:
                with open(path) as f:
                    found = f.read()
            except OSError:
                return None
            return found if found and (text is None or text in found) else None
        return harness.wait_until(check, path)

    def shared(self, spec):
        """A change of the specification: a directory of the host as /data, for what the container has to say."""
        spec['mounts'].append({'destination': '/data', 'type': 'bind', 'source': self.work, 'options': ['rbind', 'rw']})
        return spec

    def kill_and_delete(self, name, pid):
        self.ok('kill', name, 'KILL')
        self.end_of(pid)
        self.ok('delete', name)
