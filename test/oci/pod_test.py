"""Pods: several containers in one sandbox, by the annotations of containerd, CRI-O and Docker."""
import os
import signal
import unittest

import harness
import oci

FOREVER = ('sleep', '1000')
DIALECTS = {
    'containerd': ('io.kubernetes.cri.container-type', 'sandbox', 'io.kubernetes.cri.sandbox-id'),
    'cri-o': ('io.kubernetes.cri-o.ContainerType', 'sandbox', 'io.kubernetes.cri-o.SandboxID'),
    'docker': ('io.kubernetes.docker.type', 'podsandbox', 'io.kubernetes.sandbox.id'),
}


@oci.not_in_runc('runc knows no sandboxes: every container has its own process on the host')
class Pods(oci.Case):
    def sandbox(self, dialect='containerd', change=None):
        kind, value, name = DIALECTS[dialect]

        def annotate(spec):
            spec['annotations'] = {kind: value, name: 'pod'}
            return change(spec) if change else spec
        self.pod = self.run_detached('pod', FOREVER, annotate)

    def member(self, sandbox='pod', dialect='containerd', share=('ipc', 'uts'), change=None):
        kind, _, name = DIALECTS[dialect]

        def annotate(spec):
            spec['annotations'] = {kind: 'container', name: sandbox}
            for ns in spec['linux']['namespaces']:
                if ns['type'] in share:
                    ns['path'] = '/proc/%d/ns/%s' % (self.pod, ns['type'])
            return change(spec) if change else spec
        return annotate

    def end_pod(self):
        self.kill_and_delete('pod', self.pod)

    def test_every_dialect(self):
        for dialect in DIALECTS:
            with self.subTest(dialect):
                self.sandbox(dialect)
                pid = self.run_detached('c', ('sh', '-c', 'exit 6'), self.member(dialect=dialect))
                self.assertEqual(self.end_of(pid), 6)
                self.assertEqual(self.status('c'), 'stopped')
                self.ok('delete', 'c')
                self.assertEqual(self.status('pod'), 'running')
                self.end_pod()

    def test_life(self):
        self.sandbox()
        pid = self.create('c', FOREVER, self.member())
        state = self.oci_state('c')
        self.assertEqual((state['status'], state['pid']), ('created', pid))
        self.assertNotEqual(pid, self.pod)
        self.ok('start', 'c')
        self.assertEqual(self.status('c'), 'running')
        self.assertEqual(self.ok('exec', 'c', 'echo', 'in'), 'in\n')
        self.ok('kill', 'c', 'KILL')
        self.assertEqual(self.end_of(pid), 128 + signal.SIGKILL)
        self.assertEqual((self.status('c'), self.status('pod')), ('stopped', 'running'))
        self.ok('delete', 'c')
        self.assertEqual(self.ok('list', '-q'), 'pod\n')
        self.end_pod()

    def test_what_is_shared(self):
        self.sandbox()
        pid = self.run_detached('c', FOREVER, self.member(change=lambda spec: spec.update(hostname='') or spec))
        self.assertEqual(self.ok('exec', 'c', 'hostname'), 'e2e\n')
        self.ok('exec', 'pod', 'touch', '/tmp/of-pod')
        self.assertNotEqual(self.runsc('exec', 'c', 'ls', '/tmp/of-pod').returncode, 0)
        self.assertEqual(self.ok('exec', 'c', 'ps', '-o', 'args').count('sleep 1000'), 1)
        self.kill_and_delete('c', pid)
        pid = self.run_detached('c', FOREVER, self.member(share=('ipc', 'uts', 'pid')))
        self.assertEqual(self.ok('exec', 'c', 'ps', '-o', 'args').count('sleep 1000'), 2)
        self.kill_and_delete('c', pid)
        self.end_pod()

    def test_the_end_of_one_whose_orphans_nobody_waits_for(self):
        """Those go to the first process of the pid namespace, of another container, which here waits for nobody."""
        self.sandbox()
        for share in (('ipc', 'uts', 'pid'), ()):
            pid = self.run_detached('c', ('sh', '-c', 'sleep 1000 & sleep 1000 & echo up > /data/up; wait'),
                                    self.member(share=share, change=self.shared))
            self.wait_file(self.work + '/up')
            os.unlink(self.work + '/up')
            self.kill_and_delete('c', pid)
        self.end_pod()

    def test_the_reported_process_takes_signals(self):
        self.sandbox()
        pid = self.run_detached('c', ('sh', '-c', 'trap "exit 33" TERM; echo up > /data/up; while :; do sleep 0.05; done'),
                                self.member(change=self.shared))
        self.wait_file(self.work + '/up')
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(self.end_of(pid), 33)
        self.ok('delete', 'c')
        self.end_pod()

    def test_end_of_the_sandbox_is_the_end_of_all(self):
        self.sandbox()
        pids = [self.run_detached('c%d' % i, FOREVER, self.member()) for i in range(3)]
        self.ok('kill', 'pod', 'KILL')
        self.end_of(self.pod)
        for pid in pids:
            self.assertEqual(self.end_of(pid), 128 + signal.SIGKILL)
        self.assertEqual(self.status('c1'), 'stopped')
        for name in ('c0', 'c1', 'c2', 'pod'):
            self.ok('delete', name)

    def cgroups_of(self, name):
        """The directories of a container's own cgroup."""
        return [path for path in self.state(name)['cgroups'] if path.startswith('/') and os.path.isdir(path)]

    def members_of(self, name):
        """The host processes in each of them."""
        out = []
        for path in self.cgroups_of(name):
            with open(path + '/cgroup.procs') as f:
                out.append({int(line) for line in f})
        return out

    def said_of(self, pids, file):
        """What the file of /proc says of those that have not ended meanwhile, as an agent does when its program execs."""
        out = set()
        for pid in pids:
            try:
                with open('/proc/%d/%s' % (pid, file)) as f:
                    out.add(f.read().strip())
            except (FileNotFoundError, ProcessLookupError):
                pass
        return out

    @unittest.skipUnless(os.path.isdir('/sys/fs/cgroup'), 'the host has no cgroups')
    def test_a_member_is_in_a_cgroup_of_its_own(self):
        """With all that it runs, also what exec and fork start: its limits hold for it alone, and its use is counted."""
        self.sandbox()
        pid = self.run_detached('c', ('sh', '-c', 'sleep 1000 & exec sleep 1000'),
                                self.member(change=lambda spec: spec['process'].update(oomScoreAdj=444) or spec))
        other = self.run_detached('d', FOREVER, self.member())
        execed = self.start('exec', 'c', 'sh', '-c', 'echo up; exec sleep 1000')
        self.assertEqual(execed.stdout.readline(), 'up\n')
        own = {pid, self.state('c')['gofer']['pid']}
        # Relay, gofer, the process to fork others from, and an agent and a thread of each of three processes.
        harness.wait_until(lambda: all(len(inside) >= 2 + 1 + 3 * 2 for inside in self.members_of('c')), 'all are there')
        for inside in self.members_of('c'):
            self.assertLessEqual(own, inside)
            self.assertTrue(inside.isdisjoint(set().union(*self.members_of('d'))))
            self.assertEqual(self.said_of(inside - own, 'oom_score_adj'), {'444'})
        self.kill_and_delete('c', pid)
        self.assertNotEqual(self.finish(execed)[0], 0)
        self.kill_and_delete('d', other)
        self.end_pod()

    @unittest.skipUnless(os.path.isdir('/sys/fs/cgroup'), 'the host has no cgroups')
    def test_memory_of_a_member_runs_out(self):
        """Only that one ends."""
        limit = 48 * harness.MIB
        hog = 'x=0123456789abcdef; while :; do x=$x$x; done'

        def change(spec):
            spec['linux']['resources'] = {'memory': {'limit': limit, 'swap': limit}}
            return spec
        self.sandbox()
        pid = self.run_detached('c', ('sh', '-c', 'sh -c "%s"; exit $?' % hog.replace('$', '\\$')),
                                self.member(change=change))
        other = self.run_detached('d', FOREVER, self.member())
        self.assertEqual(self.end_of(pid), 128 + signal.SIGKILL)
        self.assertEqual(self.ok('exec', 'd', 'echo', 'lives'), 'lives\n')
        self.ok('delete', 'c')
        self.kill_and_delete('d', other)
        self.end_pod()

    @unittest.skipUnless(os.path.isdir('/sys/fs/cgroup'), 'the host has no cgroups')
    def test_update_of_a_member(self):
        """Its limits change on the host and inside, and nobody else's."""
        self.sandbox()
        pid = self.run_detached('c', FOREVER, self.member())
        self.ok('update', '--memory', '80M', '--memory-swap', '-1', 'c')
        total = ('sh', '-c', 'read key value rest < /proc/meminfo; echo $value')
        self.assertEqual(self.ok('exec', 'c', *total), '%d\n' % (80 << 10))
        self.assertNotEqual(self.ok('exec', 'pod', *total), '%d\n' % (80 << 10))
        self.kill_and_delete('c', pid)
        self.end_pod()

    def test_delete_force(self):
        self.sandbox()
        pid = self.run_detached('c', FOREVER, self.member())
        self.ok('delete', '--force', 'c')
        self.assertEqual(self.end_of(pid), 128 + signal.SIGKILL)
        pid = self.run_detached('c', FOREVER, self.member())
        self.kill_and_delete('c', pid)
        self.end_pod()

    def test_a_member_that_does_not_start(self):
        self.sandbox()
        for args, text in ((['nonesuch'], 'executable file not found in $PATH'), (['/etc'], 'permission denied')):
            self.assertIn(text, self.fails('create', '--bundle', self.bundle(args, self.member()), 'c'))
            self.assertEqual(self.fails('state', 'c'), 'container does not exist')
        pid = self.run_detached('c', ('true',), self.member())
        self.assertEqual(self.end_of(pid), 0)
        self.ok('delete', 'c')
        self.end_pod()

    def test_refusals(self):
        self.pod = os.getpid()
        bundle = self.bundle(['true'], self.member())
        self.assertEqual(self.fails('create', '--bundle', bundle, 'c'), 'sandbox "pod": container does not exist')
        self.sandbox()
        cases = (
            (self.member('c'), 'is the container itself'),
            (self.member('other'), 'sandbox "other": container does not exist'),
            (lambda spec: spec.update(annotations={'io.kubernetes.cri.container-type': 'container'}), 'is missing'),
            (lambda spec: spec.update(annotations={'io.kubernetes.cri.container-type': 'pod'}), 'is neither'),
            (lambda spec: spec.update(annotations={'io.kubernetes.cri.container-type': 'sandbox',
                                                   'io.kubernetes.cri.sandbox-id': 'pod'}), 'is not the id of this'),
        )
        for change, text in cases:
            self.assertIn(text, self.fails('create', '--bundle', self.bundle(['true'], change), 'c'))
        os.chown(os.path.join(self.root, 'pod'), 12345, 12345)
        self.assertEqual(self.fails('create', '--bundle', bundle, 'c'), 'sandbox "pod" belongs to user 12345')
        os.chown(os.path.join(self.root, 'pod'), 0, 0)
        alone = self.run_detached('alone', FOREVER)
        self.assertEqual(self.fails('create', '--bundle', self.bundle(['true'], self.member('alone')), 'c'),
                         'container "alone" is not the sandbox of a pod')
        self.assertEqual(self.fails('state', 'c'), 'container does not exist')
        self.kill_and_delete('alone', alone)
        self.end_pod()
