"""What a sandbox takes from the host: cgroups, network namespaces, an ordinary user's rights, the descriptors' limits."""
import glob
import json
import os
import shutil
import subprocess

import harness

USER = 61234


def namespace(pid, name):
    return os.readlink('/proc/%s/ns/%s' % (pid, name))


class Host(harness.Case):
    def start_sleeper(self, change=None, flags=()):
        bundle = self.bundle(['sleep', '1000'], change)
        process = self.start(*flags, 'run', '--bundle', bundle, 'c')
        return process, self.wait_running('c', process)

    def stop(self, process):
        self.assertEqual(self.runsc('kill', 'c', 'KILL').returncode, 0)
        self.assertEqual(self.finish(process)[0], 137)

    def test_cgroups(self):
        name = 'runsc-e2e-%d' % os.getpid()

        def directories():
            return glob.glob('/sys/fs/cgroup/*/' + name) + glob.glob('/sys/fs/cgroup/' + name)

        def change(spec):
            spec['linux']['cgroupsPath'] = '/' + name
            spec['linux']['resources'] = {'memory': {'limit': 512 << 20}, 'cpu': {'quota': 50000, 'period': 100000}}
        process, state = self.start_sleeper(change)
        made = directories()
        self.assertTrue(made)
        for directory in made:
            with open(directory + '/cgroup.procs') as f:
                self.assertLessEqual({state['boot']['pid'], state['gofer']['pid']}, set(map(int, f.read().split())))
        for path, value in (('memory/%s/memory.limit_in_bytes', 512 << 20), ('cpu/%s/cpu.cfs_quota_us', 50000)):
            if os.path.exists('/sys/fs/cgroup/' + path % name):
                with open('/sys/fs/cgroup/' + path % name) as f:
                    self.assertEqual(int(f.read()), value)
        self.stop(process)
        self.assertEqual(directories(), [])

    def test_cgroups_of_a_container_that_does_not_start(self):
        name = 'runsc-e2e-%d' % os.getpid()

        def change(spec):
            spec['linux']['cgroupsPath'] = '/' + name
            spec['hooks'] = {'prestart': [{'path': '/bin/false'}]}
        self.assertNotEqual(self.run_bundle(['true'], change).returncode, 0)
        self.assertEqual(glob.glob('/sys/fs/cgroup/*/' + name), [])

    def test_a_chroot_is_named_as_a_reason(self):
        bundle = self.bundle(['true'])
        top = os.path.join(self.work, 'top')
        os.mkdir(top)
        result = subprocess.run(['unshare', '--mount', 'sh', '-c', 'mount --rbind / "$0" && exec chroot "$0" "$@"', top,
                                 *self.command('run', '--bundle', bundle, 'c')], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r'^runsc: clone the boot process \(.* in a chroot.*\): operation not permitted\n$')

    def test_network_none_is_a_namespace_of_its_own(self):
        process, state = self.start_sleeper()
        self.assertNotEqual(namespace(state['boot']['pid'], 'net'), namespace('self', 'net'))
        self.stop(process)

    def test_network_host_is_the_containers_namespace(self):
        def without(spec):
            spec['linux']['namespaces'] = [n for n in spec['linux']['namespaces'] if n['type'] != 'network']
        process, state = self.start_sleeper(without, ['--network=host'])
        self.assertEqual(namespace(state['boot']['pid'], 'net'), namespace('self', 'net'))
        self.stop(process)

        holder = subprocess.Popen(['unshare', '--net', 'sleep', '1000'])
        harness.wait_until(lambda: namespace(holder.pid, 'net') != namespace('self', 'net'), 'a namespace to join')

        def joined(spec):
            without(spec)
            spec['linux']['namespaces'].append({'type': 'network', 'path': '/proc/%d/ns/net' % holder.pid})
        process, state = self.start_sleeper(joined, ['--network=host'])
        self.assertEqual(namespace(state['boot']['pid'], 'net'), namespace(holder.pid, 'net'))
        self.assertNotEqual(namespace(state['gofer']['pid'], 'net'), namespace(holder.pid, 'net'))
        self.stop(process)
        holder.kill()
        holder.wait()

    def test_rootless(self):
        if not shutil.which('setpriv'):
            self.skipTest('no setpriv')
        bundle = self.bundle()
        os.unlink(bundle + '/config.json')
        subprocess.run(['chown', '-R', '%d:%d' % (USER, USER), self.work], check=True)
        runsc = os.path.join(self.work, 'runsc')
        shutil.copy(harness.RUNSC, runsc)
        os.chmod(runsc, 0o755)

        def as_user(*words, prefix=()):
            return subprocess.run(['setpriv', '--reuid', str(USER), '--regid', str(USER), '--clear-groups', *prefix,
                                   runsc, '--root', self.root] + list(words), stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=harness.PATIENCE)
        # Root of a namespace with nobody else in it is an ordinary user, too.
        for prefix in ((), ('unshare', '--user', '--map-root-user')):
            with self.subTest(prefix):
                self.assertEqual(as_user('spec', '--rootless', '--bundle', bundle, prefix=prefix).returncode, 0)
                with open(bundle + '/config.json') as f:
                    spec = json.load(f)
                spec['process']['terminal'] = False
                spec['process']['args'] = ['sh', '-c', 'id -u; cat /etc/passwd | wc -l']
                with open(bundle + '/config.json', 'w') as f:
                    json.dump(spec, f)
                result = as_user('run', '--bundle', bundle, 'c', prefix=prefix)
                self.assertEqual((result.returncode, result.stdout), (0, '0\n1\n'), result.stderr)
                os.unlink(bundle + '/config.json')

    def test_a_program_that_others_may_not_execute(self):
        private = os.path.join(self.work, 'runsc')
        shutil.copy(harness.RUNSC, private)
        os.chmod(private, 0o700)
        result = subprocess.run([private, '--root', self.root, 'run', '--bundle', self.bundle(['echo', 'hi']), 'c'],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=harness.PATIENCE)
        self.assertEqual((result.returncode, result.stdout), (0, 'hi\n'), result.stderr)

    def test_long_paths(self):
        self.root = os.path.join(self.work, 'd' * 200, 'e' * 200)
        os.makedirs(self.root)
        process, _ = self.start_sleeper()
        self.stop(process)

    def test_start_and_end_leak_nothing(self):
        bundle = self.bundle(['true'])
        before = len(os.listdir('/proc/self/fd'))
        for i in range(20):
            self.assertEqual(self.runsc('run', '--bundle', bundle, 'c%d' % i).returncode, 0)
        self.assertEqual(len(os.listdir('/proc/self/fd')), before)
        self.assert_nothing_left()
