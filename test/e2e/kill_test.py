"""`kill -9` of every process of a sandbox at random moments: nothing stays, and whoever lives says what happened.

RUNSC_KILL_ROUNDS sets the number of rounds, RUNSC_KILL_SEED the random moments.
"""
import os
import random
import signal
import time

import harness

ROUNDS = int(os.environ.get('RUNSC_KILL_ROUNDS', '40'))
SEED = int(os.environ.get('RUNSC_KILL_SEED', '1'))
VICTIMS = ('boot', 'gofer', 'agent', 'front')
# Its own complaints of a gofer that has gone would be in the middle of the line that is looked for.
SCRIPT = 'exec 2>/dev/null; while :; do echo x > /data/f; cat /data/f /bin/busybox > /dev/null; ls -l /bin > /dev/null; done'


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


class Kill(harness.Case):
    def processes_of(self, front):
        """{role: pid} of what runs of the sandbox at this moment."""
        out = {'front': front.pid}
        out.update(harness.contained_children(front.pid))
        agents = harness.children(out['boot']) if 'boot' in out and harness.is_alive(out['boot']) else []
        if agents:
            out['agent'] = random.choice(agents)
        return out

    def one_round(self, bundle, victim, delay, number):
        name = 'round%d' % number
        front = self.start('run', '--bundle', bundle, name)
        time.sleep(delay)
        target = self.processes_of(front).get(victim)
        if target is None or not kill(target):
            victim = 'front'
            kill(front.pid)
        if victim == 'agent':
            # The application may or may not survive the loss of one of its processes; the sandbox has to be whole.
            time.sleep(0.05)
            if front.poll() is None:
                self.runsc('kill', name, 'KILL')
        code, _, error = self.finish(front)
        if victim == 'front':
            self.assertEqual(code, -signal.SIGKILL)
        else:
            self.assertNotEqual(code, 0)
        if victim in ('boot', 'gofer'):
            lines = [line for line in error.splitlines() if line.startswith('runsc: ')]
            self.assertEqual(len(lines), 1, error)
            self.assertIn('%s process' % victim, lines[0])
            self.assertIn('SIGKILL', lines[0])
        # The next command clears away what a killed front end could not.
        harness.wait_until(self.reap, 'all processes of round %d (%s) are gone' % (number, victim))
        self.runsc('list')
        self.runsc('delete', '--force', name)
        self.assert_nothing_left()

    def test_rounds(self):
        random.seed(SEED)
        bundle = self.bundle(['sh', '-c', SCRIPT])
        for number in range(ROUNDS):
            victim, delay = random.choice(VICTIMS), random.choice((0.0, 0.002, 0.005, 0.01, 0.05)) * random.random() * 2
            with self.subTest(round=number, victim=victim, delay=delay):
                self.one_round(bundle, victim, delay, number)

    def test_same_id_after_a_kill(self):
        bundle = self.bundle(['sleep', '1000'])
        front = self.start('run', '--bundle', bundle, 'c')
        self.wait_running('c', front)
        kill(front.pid)
        front.communicate()
        harness.wait_until(self.reap, 'the sandbox ends with `runsc run`')
        result = self.runsc('run', '--bundle', self.bundle(['true']), 'c')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
