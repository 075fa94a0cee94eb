"""Network, mount and process namespaces for one daemon and all that it starts.

Bridges, packet filter rules and mounts in them are nobody else's, and all of it is gone, however a test ends, with the
first process of the process namespace.
"""
import fcntl
import os
import signal
import subprocess

import harness

NS_GET_PARENT = 0xb702


class Walls:
    def __init__(self, work):
        # docker-init reaps what loses its parent. /run is private: shims have their sockets in /run/containerd.
        script = ('ip link set lo up && mount -t tmpfs -o mode=755 none /run && touch "$0" && '
                  'exec docker-init -s -- sleep infinity')
        ready = work + '/ready'
        self.first = None
        self.holder = subprocess.Popen(
            ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation',
             'private', 'sh', '-c', script, ready],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        harness.wait_until(lambda: os.path.exists(ready) or self.holder.poll() is not None, 'namespaces are made')
        self.first = harness.wait_until(lambda: harness.children(self.holder.pid), 'the first process is there')[0]

    def inside(self, *words):
        """A command line that runs in the namespaces."""
        return ['nsenter', '--net', '--mount', '--pid', '--target', str(self.first)] + list(words)

    def path(self, path):
        """How a file in the mount namespace is reached from outside."""
        return '/proc/%d/root%s' % (self.first, path)

    def processes(self):
        """(pid outside, command line) of all in the process namespace."""
        space = os.readlink('/proc/%d/ns/pid' % self.first)
        out = []
        for name in os.listdir('/proc'):
            try:
                if not name.isdigit() or not same_or_below(int(name), space) or not harness.is_alive(int(name)):
                    continue
                with open('/proc/%s/cmdline' % name) as f:
                    out.append((int(name), f.read().replace('\0', ' ').strip()))
            except OSError:
                pass
        return out

    def shims(self):
        """{pid: command line}"""
        return {pid: line for pid, line in self.processes() if 'containerd-shim' in line}

    def close(self):
        """Ends everything inside."""
        try:
            if self.first:
                os.kill(self.first, signal.SIGKILL)
        except ProcessLookupError:
            self.holder.kill()
        self.holder.wait(harness.PATIENCE)


def same_or_below(pid, space):
    """Whether a process lives in a pid namespace or in one that was made in it (one level, as a sandbox's)."""
    link = '/proc/%d/ns/pid' % pid
    return os.readlink(link) == space or parent_namespace(link) == space


def parent_namespace(link):
    fd = os.open(link, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parent = fcntl.ioctl(fd, NS_GET_PARENT)
    except OSError:
        return None
    finally:
        os.close(fd)
    try:
        return os.readlink('/proc/self/fd/%d' % parent)
    finally:
        os.close(parent)
