"""docker run: what a container is given, and how it ends."""
import json
import os

import docker


class DockerRun(docker.Case):
    def test_the_exit_status_is_the_programs(self):
        for script, code in (('exit 0', 0), ('exit 7', 7), ('sh -c "kill -9 \$\$"; exit $?', 137), ('exec nosuch', 127)):
            with self.subTest(script):
                self.assertEqual(self.run_once(script).returncode, code)
                self.same(script)

    def test_what_cannot_be_run(self):
        for flags, words, code, text in (
                ((), ('nosuch',), 127, 'executable file not found in $PATH'),
                ((), ('/etc',), 126, 'permission denied'),
                ((), ('/etc/passwd',), 126, 'permission denied'),
                (('--no-such-flag',), ('true',), 125, 'unknown flag'),
                (('--user', 'nobody-knows'), ('true',), 125, 'unable to find user'),
                (('--sysctl', 'net.ipv4.nosuch=1'), ('true',), None, 'no such file or directory')):
            for runtime in ('runc', docker.OURS):
                with self.subTest(runtime=runtime, words=words, flags=flags):
                    result = self.docker('run', '--rm', '--runtime', runtime, *flags, docker.IMAGE, *words)
                    if code is not None:
                        self.assertEqual(result.returncode, code, result.stderr)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertIn(text, result.stderr)

    def test_input_and_output(self):
        result = self.docker('run', '--rm', '--interactive', docker.IMAGE, 'sh', '-c', 'cat; echo error >&2',
                             input='typed\n')
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, 'typed\n', 'error\n'))

    def test_what_the_process_is_given(self):
        for flags, script in (
                (('--user', '1000'), 'id'),
                (('--user', 'user:0', '--group-add', '77'), 'id'),
                (('--workdir', '/made/for/it'), 'pwd; ls -ld /made/for'),
                (('--env', 'A=b', '--env', 'C=d e'), 'echo "$A $C $HOME"'),
                (('--cap-drop', 'ALL'), 'grep Cap /proc/self/status'),
                (('--cap-drop', 'ALL', '--cap-add', 'NET_RAW'), 'grep Cap /proc/self/status'),
                (('--cap-add', 'SYS_ADMIN'), 'grep Cap /proc/self/status'),
                (('--cap-add', 'NET_ADMIN', '--user', '1000'), 'grep Cap /proc/self/status'),
                (('--security-opt', 'no-new-privileges'), 'grep NoNewPrivs /proc/self/status'),
                (('--ulimit', 'nofile=100:200'), 'ulimit -n; ulimit -Hn'),
                (('--oom-score-adj', '300'), 'cat /proc/self/oom_score_adj'),
                (('--hostname', 'name', '--domainname', 'of.net'),
                 'hostname; cat /etc/hostname; cat /proc/sys/kernel/domainname; tail -n 1 /etc/hosts | cut -f 2'),
                (('--sysctl', 'kernel.msgmax=1000', '--sysctl', 'net.ipv4.tcp_keepalive_time=99'),
                 'cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/tcp_keepalive_time'),
                (('--init',), 'cat /proc/1/cmdline | tr "\\0" " "; exit 9')):
            with self.subTest(flags=flags):
                self.assertNotEqual(self.same(*flags, script), '')

    def test_seccomp_profiles(self):
        """Docker's own, which allows what the capabilities do; none; and one of a person's."""
        with open(self.work + '/profile.json', 'w') as f:
            json.dump({'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86_64'],
                       'syscalls': [{'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 28}]}, f)
        script = ('grep Seccomp: /proc/self/status; unshare -U true; echo $?; mount -t tmpfs none /tmp; echo $?; '
                  'mkdir /tmp/d; echo $?; seq 100 | sort -n | tail -n 1')
        for flags in ((), ('--cap-add', 'SYS_ADMIN'), ('--security-opt', 'seccomp=unconfined'),
                      ('--security-opt', 'seccomp=%s/profile.json' % self.work)):
            with self.subTest(flags=flags):
                theirs = self.run_once(*flags, script, runtime='runc')
                ours = self.run_once(*flags, script, runtime=docker.WITH_SECCOMP)
                self.assertEqual(ours.stdout, theirs.stdout, ours.stderr)

    def test_an_init_reaps(self):
        # An orphan that ends: a program that is not an init would leave a zombie of it.
        script = '(sh -c "exit 0" &) ; while grep -q "^State:.Z" /proc/[0-9]*/status 2>/dev/null; do sleep 0.1; done; echo gone'
        self.assertEqual(self.same('--init', script), 'gone')

    def test_bind_mounts(self):
        with open(self.work + '/in', 'w') as f:
            f.write('of the host\n')
        for runtime in ('runc', docker.OURS):
            said = self.said('--volume', self.work + ':/data', 'cat /data/in; echo written > /data/' + runtime +
                             '; chown 5:6 /data/' + runtime + '; mkdir -p /data/deep/er', runtime=runtime)
            self.assertEqual(said, 'of the host')
            with open(os.path.join(self.work, runtime)) as f:
                self.assertEqual(f.read(), 'written\n')
            status = os.stat(os.path.join(self.work, runtime))
            self.assertEqual((status.st_uid, status.st_gid), (5, 6))
        self.assertEqual(self.same('--volume', self.work + ':/data:ro', 'echo a > /data/no || echo refused'),
                         'refused')
        self.assertEqual(self.same('--volume', self.work + '/in:/root/one', 'cat /root/one'), 'of the host')

    def test_volumes_outlive_containers(self):
        self.addCleanup(self.docker, 'volume', 'rm', 'kept')
        self.said('--volume', 'kept:/v', 'echo kept > /v/file')
        self.assertEqual(self.same('--volume', 'kept:/v', 'cat /v/file'), 'kept')
        # A new volume begins with what the image has there.
        self.assertEqual(self.same('--volume', '/etc', 'cat /etc/group | head -n 1'), 'root:x:0:')

    def test_tmpfs(self):
        script = ('stat -c %a /t; mount | grep " /t " | cut -d " " -f 1-5; '
                  'dd if=/dev/zero of=/t/big bs=1M count=2 2>/dev/null || stat -c %s /t/big')
        self.assertIn('1048576', self.same('--tmpfs', '/t:size=1m,mode=700', script))
        self.assertEqual(self.same('--shm-size', '1m', 'df /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2'), '1024')

    def test_a_read_only_root(self):
        script = 'echo a > /x || echo refused; echo b > /tmp/x && cat /tmp/x'
        self.assertEqual(self.same('--read-only', '--tmpfs', '/tmp', script), 'refused\nb')

    def test_devices(self):
        self.assertEqual(self.same('echo gone > /dev/null; head -c 3 /dev/zero | wc -c; test -c /dev/urandom && echo c'),
                         '3\nc')
        script = 'test -c /dev/mine && stat -c "%t %T %a" /dev/mine && echo gone > /dev/mine && wc -c < /dev/mine'
        self.assertEqual(self.same('--device', '/dev/null:/dev/mine', script), '1 3 666\n0')

    def test_namespaces_of_the_host(self):
        self.assertEqual(self.same('--uts', 'host', 'hostname'), os.uname().nodename)
        self.assertEqual(self.same('--ipc', 'host', 'echo ran'), 'ran')

    def test_wait_and_the_states(self):
        self.start('box')
        self.assertEqual(self.inspect('box', '.State.Status'), 'running')
        self.ok('kill', '--signal', 'TERM', 'box')
        self.assertEqual(self.ok('wait', 'box'), '3')
        self.assertEqual(self.inspect('box', '.State.ExitCode'), '3')
        self.ok('start', 'box')
        self.ok('kill', 'box')
        self.assertEqual(self.ok('wait', 'box'), '137')
        self.ok('start', 'box')
        self.ok('stop', 'box')
        self.assertEqual(self.inspect('box', '.State.Status') + ' ' + self.inspect('box', '.State.ExitCode'), 'exited 3')

    def test_a_stop_that_is_ignored_kills(self):
        self.start('box', script='trap "" TERM; echo ready; while :; do sleep 0.1; done')
        self.ok('stop', '--time', '1', 'box')
        self.assertEqual(self.inspect('box', '.State.ExitCode'), '137')

    def test_restart_keeps_the_files(self):
        self.start('box', script='cat /root/before; echo was > /root/before; ' + docker.SERVICE)
        self.ok('restart', 'box')
        docker.harness.wait_until(lambda: self.ok('logs', 'box').count('ready') == 2, 'it runs again')
        self.assertIn('was', self.ok('logs', 'box'))

    def test_restart_on_failure(self):
        self.ok('run', '--detach', '--name', 'box', '--restart', 'on-failure:2', docker.IMAGE, 'sh', '-c', 'exit 4')
        self.wait_state('box', '.RestartCount', '2')
        self.wait_state('box', '.State.Status', 'exited')
        self.assertEqual(self.inspect('box', '.State.ExitCode'), '4')

    def test_health(self):
        self.start('box', '--health-cmd', 'test -e /tmp/well', '--health-interval', '200ms', '--health-retries', '1')
        self.wait_state('box', '.State.Health.Status', 'unhealthy')
        self.ok('exec', 'box', 'touch', '/tmp/well')
        self.wait_state('box', '.State.Health.Status', 'healthy')
