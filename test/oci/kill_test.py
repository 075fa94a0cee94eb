"""`kill -9` of any process at any moment of a container's life: what is left is consistent, and can be deleted.

RUNSC_KILL_ROUNDS sets the number of rounds of each test, RUNSC_KILL_SEED the random moments.
"""
import json
import os
import random
import signal
import subprocess
import time
import unittest

import harness
import oci

ROUNDS = int(os.environ.get('RUNSC_KILL_ROUNDS', '24'))
SEED = int(os.environ.get('RUNSC_KILL_SEED', '1'))
FOREVER = ('sleep', '1000')
# Calls in which a process waits for what a socket brings: poll, recvfrom, recvmsg, epoll_wait, epoll_pwait.
RECEIVING = ('7', '45', '47', '232', '281')
FREEZER = '/sys/fs/cgroup/freezer'
KIND, NAME = 'io.kubernetes.cri.container-type', 'io.kubernetes.cri.sandbox-id'


def comm(pid):
    try:
        with open('/proc/%d/comm' % pid) as f:
            return f.read().strip()
    except OSError:
        return None


def is_receiving(pid):
    with open('/proc/%d/syscall' % pid) as f:
        return f.read().split()[0] in RECEIVING


def descendants():
    """{name: pids} of every process that comes from this test."""
    out, todo = {}, [os.getpid()]
    while todo:
        try:
            below = harness.children(todo.pop())
        except OSError:
            continue
        todo += below
        for pid in below:
            if harness.is_alive(pid):
                out.setdefault(comm(pid), []).append(pid)
    out.pop(None, None)
    return out


def cgroups(name):
    out = []
    for top in os.listdir('/sys/fs/cgroup'):
        path = os.path.join('/sys/fs/cgroup', top, name)
        if os.path.exists(path):
            out.append(path)
    return out


@oci.not_in_runc('runc has no processes that outlive its commands but the container itself')
class Kill(oci.Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        # The moment of the kill is a part of what the command took last time, so that it fits any machine.
        self.took = {}

    def command_and_kill(self, words, kill):
        """Runs a command; with `kill` something dies meanwhile or just after. Returns the name of what died."""
        begin = time.monotonic()
        process = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        killed = None
        if kill:
            time.sleep(self.random.random() * 1.2 * self.took.get(words[0], 0.03))
            killed = self.kill_one(process.pid)
        process.wait(harness.PATIENCE)
        if not kill:
            self.took[words[0]] = time.monotonic() - begin
        return killed

    def kill_one(self, front):
        alive = descendants()
        kinds = sorted(alive) + ['front']
        kind = self.random.choice(kinds)
        pid = front if kind == 'front' else self.random.choice(alive[kind])
        try:
            # A command that has ended is a zombie of ours until it is waited for: its number is its own.
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return 'nothing'
        return kind

    def check_state(self, name):
        """A state that is true, or none."""
        def consistent():
            result = self.runsc('state', name)
            if result.returncode != 0:
                self.assertIn('container does not exist', result.stderr)
                return 'none'
            state = json.loads(result.stdout)
            alive = state['pid'] > 0 and harness.is_alive(state['pid'])
            # What a killed command has half made ends by itself.
            return state['status'] != 'creating' and alive == (state['status'] in ('created', 'running', 'paused'))
        harness.wait_until(consistent, 'the state of %s is true' % name)

    def check_end(self, names):
        for name in names:
            self.assertEqual(self.runsc('delete', '--force', name).stderr, '')
        for name in names:
            self.assertIn('container does not exist', self.runsc('state', name).stderr)
        self.assertEqual([name for name in self.ok('list', '-q').split() if name in names], [])
        harness.wait_until(self.reap, 'all processes are gone; left: %s' % descendants())
        self.assertEqual([name for name in os.listdir(self.root) if name.split('@')[0] in names], [])
        self.assertEqual([path for name in names for path in cgroups(name)], [])

    def rounds(self, play):
        """Calls play(number, step to interrupt) in rounds; step -1 is none of them, to learn what steps take."""
        play('learn%d' % os.getpid(), -1)
        for number in range(ROUNDS):
            step = self.random.randrange(4)
            with self.subTest(round=number, step=step, seed=SEED):
                play('kill%d-%d' % (os.getpid(), number), step)

    def live_until_killed(self, name, bundle, interrupted):
        """The life of a container up to the step that is interrupted; what was killed."""
        steps = [('create', '--bundle', bundle, name), ('start', name),
                 ('exec', name, 'sh', '-c', 'ls -lR /bin >/dev/null; true'), ('delete', '--force', name)]
        if interrupted >= 2:
            steps.insert(2, ('exec', '--detach', name, *FOREVER))
            interrupted += 1
        for i, words in enumerate(steps):
            killed = self.command_and_kill(words, i == interrupted)
            if killed:
                break
        return killed

    def test_a_container(self):
        bundle = self.bundle(FOREVER)

        def play(name, interrupted):
            killed = self.live_until_killed(name, bundle, interrupted)
            with self.subTest(killed=killed):
                self.check_state(name)
                self.check_end([name])
        self.rounds(play)

    def annotated(self, kind, pod):
        def change(spec):
            spec['annotations'] = {KIND: kind, NAME: pod}
            return spec
        return change

    def test_a_pod(self):
        def play(name, interrupted):
            pod = name + '-pod'
            bundle = self.bundle(FOREVER, self.annotated('container', pod))
            self.assertEqual(0, self.command_status('run', '--detach', '--bundle',
                                                    self.bundle(FOREVER, self.annotated('sandbox', pod)), pod))
            boot = self.oci_state(pod)['pid']
            killed = self.live_until_killed(name, bundle, interrupted)
            with self.subTest(killed=killed):
                self.check_state(name)
                self.check_state(pod)
                if killed in ('front', 'runsc', 'runsc-relay'):
                    self.assertEqual(self.ok('exec', pod, 'echo', 'in'), 'in\n')
                    self.assertTrue(harness.is_alive(boot))
                self.check_end([name, pod])
        self.rounds(play)

    def relay_in_call(self):
        """The relay of what is being made, once it waits for the sandbox's answer."""
        for pid in descendants().get('runsc-relay', []):
            # Before that it reads from its caller.
            if is_receiving(pid):
                return pid
        return None

    def interrupted(self, boot, victim, *words):
        """A command of which a part, or itself, dies while the sandbox has the request and has not answered."""
        os.kill(boot, signal.SIGSTOP)
        try:
            command = self.start(*words)
            relay = harness.wait_until(self.relay_in_call, 'the relay waits for the sandbox')
            if victim == 'relay':
                pid = relay
            elif victim == 'gofer':
                pid = harness.wait_until(lambda: harness.contained_children(command.pid).get('gofer'), 'the gofer runs')
            else:
                pid = command.pid
            os.kill(pid, signal.SIGKILL)
        finally:
            os.kill(boot, signal.SIGCONT)
        code, _, error = self.finish(command)
        self.assertNotEqual(code, 0)
        if victim == 'relay':
            self.assertRegex(error, r'\Arunsc: [^\n]*the relay process was killed\n\Z')
        if victim == 'gofer':
            self.assertRegex(error, r'\Arunsc: gofer process killed by signal 9 \(SIGKILL\) at stage "run"\n\Z')

    def test_in_the_middle_of_create(self):
        """The sandbox makes the container, and nobody moves its processes out of the pod's cgroups."""
        pod = 'relay%d' % os.getpid()
        self.assertEqual(0, self.command_status('run', '--detach', '--bundle',
                                                self.bundle(FOREVER, self.annotated('sandbox', pod)), pod))
        boot = self.oci_state(pod)['pid']
        bundle = self.bundle(FOREVER, self.annotated('container', pod))
        for number in range(9):
            name = '%s-%d' % (pod, number)
            victim = ('relay', 'command', 'gofer')[number % 3]
            with self.subTest(round=number, victim=victim):
                self.interrupted(boot, victim, 'create', '--bundle', bundle, name)
                self.check_state(name)
                self.assertEqual(self.runsc('delete', '--force', name).stderr, '')
                self.assertEqual([], cgroups(name))
                # Nothing of it is left in the pod either, where another takes its name.
                self.assertEqual(self.ok('exec', pod, 'ps', '-o', 'args').count('sleep'), 1)
                self.assertEqual(0, self.command_status('run', '--detach', '--bundle', bundle, name))
                self.assertEqual(self.runsc('delete', '--force', name).stderr, '')
        self.assertTrue(harness.is_alive(boot))
        self.check_end([pod])

    @unittest.skipUnless(os.path.isdir(FREEZER), 'only the freezer of cgroup v1 holds back what is killed')
    def test_in_the_middle_of_start(self):
        """A caller that is told that the container has not started finds its process at its end."""
        name = 'start%d' % os.getpid()
        frozen = os.path.join(FREEZER, name + '-frozen')
        os.mkdir(frozen)
        self.addCleanup(os.rmdir, frozen)
        self.assertEqual(0, self.command_status('create', '--bundle', self.bundle(FOREVER), name))
        boot = self.oci_state(name)['pid']
        # The end of the sandbox's process waits for that of its children; the application's has no descriptors, the others
        # share those of the sandbox.
        application = [pid for pid in harness.children(boot) if not os.listdir('/proc/%d/fd' % pid)]
        others = [pid for pid in harness.children(boot) if pid not in application]
        with open(frozen + '/cgroup.procs', 'w') as f:
            f.write(str(application[0]))
        os.kill(boot, signal.SIGSTOP)
        start = self.start('start', name)
        try:
            harness.wait_until(lambda: is_receiving(start.pid), 'the command waits for the sandbox')
            with open(frozen + '/freezer.state', 'w') as f:
                f.write('FROZEN')
            os.kill(boot, signal.SIGKILL)
            harness.wait_until(lambda: not any(map(harness.is_alive, others)), 'the connections are closed')
            with self.assertRaises(subprocess.TimeoutExpired):
                start.wait(0.5)
        finally:
            with open(frozen + '/freezer.state', 'w') as f:
                f.write('THAWED')
        code, _, error = self.finish(start)
        self.assertEqual((code, error), (1, 'runsc: the sandbox ended before it answered\n'))
        self.assertFalse(harness.is_alive(boot))
        self.check_end([name])

    def test_in_the_middle_of_exec(self):
        """The sandbox makes the process, of which nobody outside knows."""
        name = 'exec%d' % os.getpid()
        self.assertEqual(0, self.command_status('run', '--detach', '--bundle', self.bundle(FOREVER), name))
        boot = self.oci_state(name)['pid']
        for number in range(8):
            victim = ('relay', 'command')[number % 2]
            options = ('--detach',) if number % 4 < 2 else ()
            with self.subTest(round=number, victim=victim):
                self.interrupted(boot, victim, 'exec', *options, name, 'sleep', str(2000 + number))
                # In order: the sandbox has carried out what came before.
                self.assertEqual(self.ok('exec', name, 'echo', 'in'), 'in\n')
                harness.wait_until(lambda: 'sleep 20' not in self.ok('ps', name), 'the process of nobody has ended')
        self.assertTrue(harness.is_alive(boot))
        self.check_end([name])

    def command_status(self, *words):
        return subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=harness.PATIENCE).returncode
