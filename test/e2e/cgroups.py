"""What the tests of the host's cgroups share, of version 1 and of version 2."""
import json
import os
import shutil
import signal
import subprocess
import tempfile

import harness

RUNC = shutil.which('runc')
FOREVER = ['sleep', '1000']
MIB = harness.MIB


def directories_named(name):
    return sorted(path for path, _, _ in os.walk('/sys/fs/cgroup') if os.path.basename(path) == name)


def directories_starting_with(name):
    return sorted(path for path, _, _ in os.walk('/sys/fs/cgroup') if os.path.basename(path).startswith(name))


def shape(stats):
    """The types in what `events --stats` prints, without counters that are left out at one moment and not at another."""
    data = stats['data']
    data['blkio'] = {}
    data['memory'].pop('cache', None)
    for entry in ('usage', 'swap', 'kernel', 'kernelTCP'):
        for counter in ('usage', 'max'):
            data['memory'][entry].pop(counter, None)
    data['cpu']['throttling'] = {}

    def types(value):
        if isinstance(value, dict):
            return {k: types(v) for k, v in value.items()}
        return type(value).__name__
    return types(stats)


class Case(harness.Case):
    """One container, called self.name, whose cgroup's directories are called self.group."""
    DRIVER = ()  # flags of the driver

    def change(self, path, resources):
        def apply(spec):
            spec['linux']['cgroupsPath'] = path
            spec['linux']['resources'] = resources
        return apply

    def setUp(self):
        super().setUp()
        self.name = 'runsc-e2e-%d' % os.getpid()
        self.group = self.name
        self.path = '/' + self.name
        self.addCleanup(self.remove_leftovers)

    def remove_leftovers(self):
        for path in directories_named(self.group):
            for pid in open(path + '/cgroup.procs').read().split():
                os.kill(int(pid), signal.SIGKILL)
        for path in directories_named(self.group):
            harness.wait_until(lambda: not open(path + '/cgroup.procs').read(), path + ' is empty')
            os.rmdir(path)

    def start_detached(self, resources, path=None, args=FOREVER, flags=(), more=None):
        def change(spec):
            self.change(self.path if path is None else path, resources)(spec)
            if more:
                more(spec)
        bundle = self.bundle(args, change)
        # The container has the standard error, too: a pipe would stay open as long as it runs.
        with tempfile.TemporaryFile('w+') as errors:
            code = subprocess.call(self.command(*self.DRIVER, *flags, 'run', '--detach', '--bundle', bundle, self.name),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                                   timeout=harness.PATIENCE)
            errors.seek(0)
            self.assertEqual((code, errors.read()), (0, ''))
        return bundle

    def stop(self):
        self.assertEqual(self.runsc('delete', '--force', self.name).returncode, 0)
        self.assertEqual(directories_named(self.group), [])

    def under_runc(self, bundle, what):
        """What `what` returns while runc runs the same bundle under the same name."""
        root = os.path.join(self.work, 'runc')
        subprocess.run([RUNC, '--root', root, *self.DRIVER, 'run', '--detach', '--bundle', bundle, self.name], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=harness.PATIENCE)
        try:
            return what()
        finally:
            subprocess.run([RUNC, '--root', root, 'delete', '--force', self.name], check=True,
                           timeout=harness.PATIENCE)

    def runc_stats(self):
        """Of the container that under_runc() runs."""
        return json.loads(subprocess.run(
            [RUNC, '--root', os.path.join(self.work, 'runc'), 'events', '--stats', self.name], check=True,
            stdout=subprocess.PIPE, timeout=harness.PATIENCE).stdout)

    def out_of_memory(self, script):
        """Runs a script in 64 * MIB next to another container, which must not notice."""
        other = self.start('run', '--bundle', self.bundle(FOREVER), 'other')
        self.wait_running('other', other)
        memory = {'memory': {'limit': 64 * MIB, 'swap': 64 * MIB}}
        result = self.runsc(*self.DRIVER, 'run', '--bundle', self.bundle(['sh', '-c', script], self.change(self.path, memory)),
                            self.name)
        self.assertEqual(directories_named(self.group), [])
        self.assertIsNone(other.poll())
        self.assertEqual(self.runsc('kill', 'other', 'KILL').returncode, 0)
        self.assertEqual(self.finish(other)[0], 137)
        return result

    def assert_out_of_memory_is_told(self):
        result = self.out_of_memory(self.HOG)
        self.assertEqual(result.returncode, 137, result.stderr)
        self.assertIn('ran out of memory', result.stderr)

    def assert_out_of_memory_is_an_event(self):
        self.start_detached({'memory': {'limit': 64 * MIB, 'swap': 64 * MIB}},
                            args=['sh', '-c', 'while ! [ -e /tmp/go ]; do sleep 0.1; done; ' + self.HOG],
                            more=self.with_data)
        events = self.start('events', '--interval', '1h', self.name)
        harness.wait_until(lambda: self.has_watch(events.pid), 'the watch is in place')
        open(self.work + '/go', 'w').close()
        code, out, error = self.finish(events)
        self.assertEqual((code, error), (0, ''))
        self.assertIn({'type': 'oom', 'id': self.name}, [json.loads(line) for line in out.splitlines()])
        self.stop()

    # A string that doubles: shells have no other way to use much memory.
    HOG = 'x=0123456789abcdef; while :; do x=$x$x; done'

    def with_data(self, spec):
        spec['mounts'].append({'destination': '/tmp', 'type': 'bind', 'source': self.work, 'options': ['rbind', 'ro']})

    def has_watch(self, pid):
        """Whether a process waits for what the kernel says of a cgroup: by an eventfd in version 1, else by inotify."""
        for fd in os.listdir('/proc/%d/fd' % pid):
            try:
                link = os.readlink('/proc/%d/fd/%s' % (pid, fd))
            except OSError:
                continue
            if 'eventfd' in link or 'inotify' in link:
                return True
        return False
