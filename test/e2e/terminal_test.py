"""Terminals of containers, as a person and as a container engine use them; the same with runc where it is installed."""
import hashlib
import os
import re
import shutil
import subprocess
import time

import harness
import terminal

APPLETS = 'cut dd head less md5sum nohup od printf reset seq setsid stat tail top tr vi yes'
# Behind it, the shell may ask where the cursor is, and it draws the line again when it hears of another size, which runc
# sets while the shell starts.
NOISE = rb'\x1b\[6n|\r/ # \x1b\[J'
PROMPT = rb'/ # (%s)*$' % NOISE
INTERACTIVE = ['sh', '-i']
# Programs that draw ask for the size once: runc may not have set it when they start (busybox's stty then prints nothing).
SIZED = 'until size=$(stty size 2>/dev/null) && [ "${size:-0 0}" != "0 0" ]; do :; done; '


def with_terminal(spec):
    spec['process']['terminal'] = True
    spec['process']['env'] = ['PATH=/bin', 'TERM=xterm', 'SHELL=/bin/sh', 'HOME=/root', 'PS1=/ # ']
    spec['linux']['namespaces'] = [{'type': t} for t in ('pid', 'ipc', 'uts', 'mount')]
    spec['process']['capabilities'] = {}


class Terminal(harness.Case):
    def setUp(self):
        super().setUp()
        self.people = []
        self.started = []

    def tearDown(self):
        for person in self.people:
            person.abandon()
        for runtime, container in self.started:
            subprocess.run([runtime, '--root', self.root, 'delete', '--force', container], stderr=subprocess.DEVNULL)
        super().tearDown()

    def make_bundle(self, args, change=None):
        def both(spec):
            with_terminal(spec)
            if change:
                change(spec)
        bundle = self.bundle(args, both)
        for applet in APPLETS.split():
            path = os.path.join(bundle, 'rootfs/bin', applet)
            if not os.path.lexists(path):
                os.symlink('busybox', path)
        return bundle

    def sit_down(self, args, runtime=None, rows=24, columns=80, change=None):
        """A person who starts the program by `run` at a terminal of that size."""
        runtime = runtime or harness.RUNSC
        bundle = self.make_bundle(args, change)
        container = 'c%d-%d' % (os.getpid(), self.count)
        self.started.append((runtime, container))
        self.people.append(terminal.Person([runtime, '--root', self.root, 'run', '--bundle', bundle, container], rows,
                                           columns))
        return self.people[-1]

    def on_both(self, dialogue, args, **options):
        """`dialogue` with our runtime, and with runc, which must show the same and exit the same way."""
        results = []
        for runtime in [harness.RUNSC] + ([shutil.which('runc')] if shutil.which('runc') else []):
            person = self.sit_down(args, runtime, **options)
            dialogue(person)
            status = person.end()
            results.append((status, re.sub(NOISE, b'', person.shown).decode('latin1')))
        self.maxDiff = None
        for other in results[1:]:
            self.assertEqual(results[0], other)
        return results[0]

    def shell(self, lines, **options):
        """Lines typed at the prompt of an interactive shell, then its end: exit status and everything shown."""
        def dialogue(person):
            for line in lines:
                person.expect(PROMPT)
                person.type(line + '\r')
            person.expect(PROMPT)
            person.type('exit 3\r')
        return self.on_both(dialogue, INTERACTIVE, **options)

    def test_what_it_is(self):
        script = (SIZED + 'tty; stty size; stty -a; for i in 0 1 2; do test -t $i && readlink /proc/self/fd/$i; done; '
                  'stat -c "%n %F %t:%T %a %u:%g" /dev/console /dev/tty /dev/pts/0 /dev/pts/ptmx; '
                  'grep -E "/dev/(console|pts) " /proc/mounts; cut -d" " -f7 /proc/self/stat; echo bye >/dev/tty')
        status, shown = self.on_both(lambda person: None, ['sh', '-c', script], rows=37, columns=101)
        self.assertEqual(status, 0, shown)
        for line in ('/dev/pts/0', '37 101', '34816', 'bye'):
            self.assertIn('\r\n%s\r\n' % line, '\r\n' + shown)

    def test_owner_is_the_user(self):
        def change(spec):
            spec['process']['user'] = {'uid': 1000, 'gid': 1001}
        status, shown = self.on_both(lambda person: None, ['sh', '-c', 'stat -c "%u:%g %a" /dev/pts/0; echo x >/dev/pts/0'],
                                     change=change)
        self.assertEqual((status, shown), (0, '1000:5 620\r\nx\r\n'))

    def test_interrupt(self):
        def dialogue(person):
            person.expect(b'ready\r\n')
            person.type('\x03')
            person.expect(b'got it')
        status, shown = self.on_both(dialogue, ['sh', '-c', 'trap "echo got it; exit 9" INT; echo ready; '
                                                            'while :; do sleep 0.05; done'])
        self.assertEqual((status, shown), (9, 'ready\r\n^Cgot it\r\n'))

    def test_quit(self):
        def dialogue(person):
            person.expect(b'ready\r\n')
            time.sleep(1)  # the shell ignores the signal; its sleep, which nothing announces, does not
            person.type('\x1c')
        status, shown = self.on_both(dialogue, ['sh', '-c', 'sh -c "echo ready; sleep 1000; echo after"; echo $?'])
        self.assertEqual((status, shown), (0, 'ready\r\n^\\Quit\r\nafter\r\n0\r\n'))

    def test_keys_signal_the_foreground_only(self):
        def dialogue(person):
            for line, key in ((self.announced('sleep 1000'), '\x03'), ('echo $?', ''),
                              (self.announced('cat'), '\x04'), ('echo $?', '')):
                person.expect(PROMPT)
                person.type(line + '\r')
                person.expect(b'\r\n')
                if key:
                    person.expect(b'runs\r\n')
                    person.type(key)
            person.expect(PROMPT)
            person.type('\x04')
        status, shown = self.on_both(dialogue, INTERACTIVE)
        self.assertIn('\r\n130\r\n', shown)
        self.assertIn('\r\n0\r\n', shown)
        self.assertEqual(status, 0)

    def announced(self, program):
        """Says when the shell does not read any more, and has given the terminal back its settings."""
        return "sh -c 'echo runs; exec %s'" % program

    def test_job_control(self):
        def dialogue(person):
            def at_prompt(line):
                person.expect(PROMPT)
                person.type(line + '\r')
                person.expect(b'\r\n')
            at_prompt(self.announced('cat'))
            person.expect(b'runs\r\n')
            person.type('\x1a')
            person.expect(b'Stopped')
            at_prompt('jobs')
            person.expect(b'Stopped')
            at_prompt('cat >/dev/null &')
            at_prompt('sleep 0.1')
            person.expect(b'Stopped')
            at_prompt('fg %1')
            person.expect(b'exec cat"\r\n')
            person.type('one\r')
            person.expect(b'one\r\none\r\n')
            person.type('\x04')
            at_prompt('fg %2')
            person.expect(b'cat 1>/dev/null\r\n')
            person.type('two\r\x04')
            at_prompt('exit 4')
        person = self.sit_down(INTERACTIVE)
        dialogue(person)
        self.assertEqual(person.end(), 4)

    def test_end_of_file(self):
        def dialogue(person):
            person.expect(b'ready')
            person.type('some\rlines\r\x04')
        status, shown = self.on_both(dialogue, ['sh', '-c', 'stty -echo; echo ready; cat; echo end'])
        self.assertEqual((status, shown), (0, 'ready\r\nsome\r\nlines\r\nend\r\n'))

    def test_password_prompt(self):
        def dialogue(person):
            person.expect(b'word: ')
            time.sleep(1)  # the shell asks first, and turns the echo off then
            person.type('secret\r')
        status, shown = self.on_both(dialogue, ['sh', '-c', 'read -s -p "Password: " p; echo; echo "<${#p}>"; stty | '
                                                            'grep -c -- -echo'])
        self.assertEqual((status, shown), (1, 'Password: \r\n<6>\r\n0\r\n'))

    def test_editor(self):
        def dialogue(person):
            person.expect(b'- /tmp/text 1/1 100%\x1b')
            person.type('ihello\rworld\x1b')
            person.expect(b'- /tmp/text .Modified. 2/2 100%\x1b')
            person.type(':wq\r')
        status, shown = self.on_both(dialogue, ['sh', '-c', SIZED + 'vi /tmp/text; cat /tmp/text'], rows=20, columns=60)
        self.assertEqual(status, 0)
        self.assertTrue(shown.endswith('hello\r\nworld\r\n'), shown[-200:])
        self.assertIn('\x1b[20;1H', shown)

    def test_resize_in_the_editor(self):
        for runtime in filter(None, (harness.RUNSC, shutil.which('runc'))):
            person = self.sit_down(['sh', '-c', SIZED + 'vi /tmp/text; stty size'], runtime, rows=20, columns=60)
            person.expect(rb'\x1b\[20;1H')
            person.resize(31, 90)
            person.expect(rb'\x1b\[31;1H')
            person.type(':q\r')
            self.assertEqual(person.end(), 0)
            self.assertTrue(person.shown.endswith(b'31 90\r\n'), person.shown[-200:])

    def test_pager(self):
        def dialogue(person):
            person.expect(b'standard input')
            person.type(' ')
            person.expect(b'K18\r\n')
            person.expect(b'K')
            person.type('q')
        status, shown = self.on_both(dialogue, ['sh', '-c', SIZED + 'seq 100 | less; echo done'], rows=10)
        self.assertEqual(status, 0)
        self.assertTrue(shown.endswith('done\r\n'), shown[-200:])

    def test_top(self):
        person = self.sit_down(['top', '-d', '1'])
        person.expect(b'Mem:.*COMMAND.*top')
        person.type('q')
        self.assertEqual(person.end(), 0)

    def test_settings(self):
        status, shown = self.shell(['stty -echo -icanon min 1 time 0', 'stty rows 50 columns 132; stty size', 'reset',
                                    'stty -a', 'echo "a\tb" | od -c'])
        self.assertEqual(status, 3)
        self.assertIn('50 132', shown)

    def test_controlling_terminal(self):
        status, shown = self.shell(['sh -c \'setsid sh -c "echo x >/dev/tty"; echo $?\'',
                                    'sh -c \'setsid -c sh -c "echo y >/dev/tty"; echo $?\''])
        self.assertEqual(status, 3)

    def test_exit_drains(self):
        script = 'seq 1 20000; exit 7'
        expected = ''.join('%d\r\n' % i for i in range(1, 20001)).encode()
        for _ in range(5):
            person = self.sit_down(['sh', '-c', script])
            self.assertEqual(person.end(), 7)
            self.assertEqual(person.shown, expected)

    def test_much_output_with_flow_control(self):
        size = 20 * 1000 * 1000
        content = (b'%030d|' % (self.count + 1)).join(b'%08d' % i for i in range(size // 30))[:size]
        person = self.sit_down(['sh', '-c', 'stty -opost; dd if=/data/big bs=64k 2>/dev/null'],
                               change=lambda spec: self.share(spec, content))
        for _ in range(3):
            wanted = len(person.shown) + 1000 * 1000
            while len(person.shown) < wanted:
                self.assertIsNotNone(person.read(harness.PATIENCE))
            person.type('\x13')
            while person.read(0.5) is not None:  # what was under way comes, then nothing
                pass
            self.assertLess(len(person.shown), size)
            person.type('\x11')
        self.assertEqual(person.end(), 0)
        self.assertTrue(person.shown == content)

    def share(self, spec, content):
        shared = os.path.join(self.work, 'shared')
        os.mkdir(shared)
        with open(os.path.join(shared, 'big'), 'wb') as f:
            f.write(content)
        spec['mounts'].append({'destination': '/data', 'type': 'bind', 'source': shared, 'options': ['rbind']})

    def test_much_input(self):
        size = 1000 * 1000
        content = b''.join(b'%07d ' % i for i in range(size // 8))
        person = self.sit_down(['sh', '-c', 'stty raw -echo; echo ready; head -c %d | md5sum; stty sane' % size])
        person.expect(b'ready')
        person.type(content)
        person.expect(hashlib.md5(content).hexdigest().encode())
        self.assertEqual(person.end(), 0)

    # As container engines do it.
    def detached(self, args, change=None):
        socket_path = os.path.join(self.work, 'console.sock')
        waiting = terminal.ConsoleSocket(socket_path)
        bundle = self.make_bundle(args, change)
        pid_file = os.path.join(self.work, 'pid')
        result = self.runsc('run', '--detach', '--console-socket', socket_path, '--pid-file', pid_file, '--bundle',
                            bundle, 'c')
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(pid_file) as f:
            pid = int(f.read())
        screen = waiting.receive()
        self.people.append(screen)
        screen.abandon = screen.close
        return pid, screen

    def finish_detached(self, pid):
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertEqual(self.runsc('delete', 'c').returncode, 0)
        return status

    def test_console_socket(self):
        def change(spec):
            spec['process']['consoleSize'] = {'height': 43, 'width': 111}
        pid, screen = self.detached(['sh', '-c', 'stty size; trap "stty size" WINCH; echo ready; '
                                                 'while ! [ -e /tmp/stop ]; do sleep 0.05; done; echo end; exit 6'],
                                    change)
        screen.expect(b'43 111\r\n')
        screen.expect(b'ready\r\n')
        terminal.set_size(screen.master, 50, 132)
        screen.expect(b'50 132\r\n')
        screen.type('\x03')
        self.assertEqual(self.finish_detached(pid), 130)

    def test_hang_up(self):
        pid, screen = self.detached(['sh', '-c', 'trap "exit 8" HUP; echo ready; while :; do sleep 0.05; done'])
        screen.expect(b'ready\r\n')
        screen.close()
        self.assertEqual(self.finish_detached(pid), 8)

    def test_reads_and_writes_after_the_hang_up(self):
        shared = os.path.join(self.work, 'shared')
        os.mkdir(shared)

        def change(spec):
            spec['mounts'].append({'destination': '/data', 'type': 'bind', 'source': shared, 'options': ['rbind']})
        pid, screen = self.detached(
            ['sh', '-c', 'trap "" HUP; echo ready; cat >/data/input; echo "read $?" >>/data/log; '
                         'echo lost || echo "write $?" >>/data/log; exit 0'], change)
        screen.expect(b'ready\r\n')
        screen.type('typed\r')
        harness.wait_until(lambda: os.path.exists(shared + '/input') and os.path.getsize(shared + '/input'), 'cat reads')
        screen.close()
        self.assertEqual(self.finish_detached(pid), 0)
        with open(shared + '/input') as f:
            self.assertEqual(f.read(), 'typed\n')
        with open(shared + '/log') as f:
            self.assertEqual(f.read(), 'read 0\nwrite 1\n')

    def test_nobody_reads(self):
        pid, screen = self.detached(['sh', '-c', 'seq 1 400; exit 5'])
        self.assertEqual(self.finish_detached(pid), 5)
        screen.expect_end()
        self.assertEqual(screen.shown, ''.join('%d\r\n' % i for i in range(1, 401)).encode())
