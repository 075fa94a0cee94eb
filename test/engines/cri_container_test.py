"""Containers by the CRI: what kubelet configures of a program, its files, its rights, its log and its end."""
import os

import grpc

import pods
from pods import set_up_module as setUpModule


def secured(**security):
    return {'linux': {'security_context': security}}


class Containers(pods.Case):
    def test_program(self):
        pod = self.pod()
        container = pod.run(command=['/bin/sh', '-c', 'echo "$0 $1 $WORD $PATH"; pwd; echo to-error >&2'],
                            args=['a b', 'c'], working_dir='/var/tmp', envs=[{'key': 'WORD', 'value': '$x y'}])
        self.assertEqual(container.wait().exit_code, 0)
        self.assertEqual(container.output('stdout'), 'a b c $x y /bin\n/var/tmp\n')
        self.assertEqual(container.output('stderr'), 'to-error\n')
        # Without a command that of the image, here a shell without input, in a directory that is made for it.
        of_image = pod.run(command=[], working_dir='/made/for/it')
        self.assertEqual(of_image.result(), ('', 0))

    def test_ends(self):
        pod = self.pod()
        for script, code, reason in (('exit 0', 0, 'Completed'), ('exit 7', 7, 'Error')):
            status = pod.run(script).wait()
            self.assertEqual((status.exit_code, status.reason), (code, reason), script)
            self.assertTrue(0 < status.created_at < min(status.started_at, status.finished_at), status)
        for program, said in (('/bin/nothing', 'stat /bin/nothing: no such file or directory'),
                              ('nothing', 'exec: "nothing": executable file not found in $PATH'),
                              ('/etc/passwd', 'permission denied')):
            container = pod.create(command=[program])
            with self.assertRaises(grpc.RpcError) as caught:
                container.start()
            self.assertIn(said, caught.exception.details())
            status = container.status()
            self.assertEqual((status.state, status.exit_code, status.reason), (2, 128, 'StartError'))

    def test_users(self):
        pod = self.pod()
        ask = 'id -u; id -g; id -G | tr " " "\\n" | sort -n | tr "\\n" " "'
        for security, said in (
                ({}, '0\n0\n0 '), ({'run_as_user': {'value': '1000'}}, '1000\n1000\n1000 '),
                ({'run_as_user': {'value': '77'}, 'run_as_group': {'value': '88'}, 'supplemental_groups': [5, 2000]},
                 '77\n88\n5 88 2000 '), ({'run_as_username': 'user'}, '1000\n1000\n1000 ')):
            container = pod.run(ask, **secured(**security))
            self.assertEqual(container.result()[0].rstrip('\n'), said, security)
        volume = pod.directory + '/volume'
        os.makedirs(volume)
        os.chown(volume, 0, 2000)
        os.chmod(volume, 0o2770)
        # fsGroup: the volume is the group's.
        member = pod.run('echo text > /data/file && stat -c "%u:%g" /data/file', mounts=[
            {'container_path': '/data', 'host_path': volume}], **secured(
                run_as_user={'value': '77'}, run_as_group={'value': '88'}, supplemental_groups=[2000]))
        self.assertEqual(member.result(), ('77:2000\n', 0))

    def test_rights(self):
        pod = self.pod()
        def status(**security):
            container = pod.run('sed -n "s/^\\(Cap...\\|NoNewPrivs\\):\\t//p" /proc/self/status | tr "\\n" " "',
                                **secured(**security))
            return container.result()[0].split()
        default = 0xa80425fb
        for capabilities, expected in (
                ({}, default),
                ({'add_capabilities': ['NET_ADMIN'], 'drop_capabilities': ['CHOWN']}, default - 1 + (1 << 12)),
                ({'drop_capabilities': ['ALL']}, 0),
                ({'drop_capabilities': ['ALL'], 'add_capabilities': ['NET_BIND_SERVICE']}, 1 << 10)):
            inherited, permitted, effective, bounding, ambient, no_new = status(capabilities=capabilities)
            values = [int(word, 16) for word in (permitted, effective, bounding)]
            self.assertEqual(values, [expected] * 3, capabilities)
            self.assertEqual((int(ambient, 16), no_new), (0, '0'))
        self.assertEqual(status(no_new_privs=True)[-1], '1')
        dropped = status(run_as_user={'value': '1000'})
        self.assertEqual([int(word, 16) for word in dropped[1:4]], [0, 0, default])

    def test_read_only(self):
        pod = self.pod()
        volume = pod.directory + '/volume'
        os.makedirs(volume)
        script = ('for path in /x /var/x /proc/sys/kernel/domainname /data/x /dev/shm/x /tmp/x; do '
                  'sh -c "echo x > $path" 2>/dev/null && echo $path; done; cat /proc/keys | wc -c; ls /sys/firmware')
        container = pod.run(script, mounts=[{'container_path': '/data', 'host_path': volume}],
                            **secured(readonly_rootfs=True))
        self.assertEqual(container.result(), ('/data/x\n/dev/shm/x\n0\n', 0))

    def test_volumes(self):
        pod = self.pod()
        base = pod.directory + '/volumes'
        os.makedirs(base + '/tree/below')
        for name in ('file', 'tree/below/deep'):
            with open('%s/%s' % (base, name), 'w') as f:
                f.write('text of %s\n' % name)
        os.symlink('tree', base + '/link')
        container = pod.run(
            'cat /etc/one /v/through/below/deep; echo more >> /etc/one && echo wrote; '
            'for path in /ro/x /ro/below/deep; do sh -c "echo x >> $path" 2>/dev/null && echo $path; done; '
            'touch /v/through/new; ls /v/through; head -n 1 /etc/hosts',
            mounts=[{'container_path': '/etc/one', 'host_path': base + '/file'},
                    {'container_path': '/v/through', 'host_path': base + '/link'},
                    {'container_path': '/ro', 'host_path': base + '/tree', 'readonly': True},
                    {'container_path': '/made', 'host_path': base + '/made-for-it'},
                    {'container_path': '/etc/hosts', 'host_path': base + '/file', 'readonly': True}])
        self.assertEqual(container.result(), (
            'text of file\ntext of tree/below/deep\nwrote\nbelow\nnew\ntext of file\n', 0))
        self.assertTrue(os.path.exists(base + '/tree/new'))
        self.assertTrue(os.path.isdir(base + '/made-for-it'))

    def test_files_of_kubelet(self):
        """The message that a program leaves at its end, and a secret that changes: by renaming a link."""
        pod = self.pod()
        secret = pod.directory + '/secret'
        def renew(version):
            os.makedirs('%s/..%s' % (secret, version))
            with open('%s/..%s/token' % (secret, version), 'w') as f:
                f.write('token %s\n' % version)
            os.symlink('..' + version, secret + '/..new')
            os.rename(secret + '/..new', secret + '/..data')
        renew('1')
        os.symlink('..data/token', secret + '/token')
        with open(pod.directory + '/message', 'w'):
            pass
        path = '/var/run/secrets/kubernetes.io/serviceaccount'
        container = pod.serve(mounts=[
            {'container_path': path, 'host_path': secret, 'readonly': True},
            {'container_path': '/dev/termination-log', 'host_path': pod.directory + '/message'}])
        self.assertEqual(container.said('cat', path + '/token'), 'token 1')
        renew('2')
        self.assertEqual(container.said('cat', path + '/token'), 'token 2')
        container.said('echo over > /dev/termination-log')
        with open(pod.directory + '/message') as f:
            self.assertEqual(f.read(), 'over\n')

    def test_log(self):
        pod = self.pod()
        container = pod.run('echo out; echo error >&2; printf "%s\\n" $(head -c 20000 /dev/zero | tr "\\0" x); '
                            'printf end')
        container.wait()
        log = container.log()
        self.assertEqual(sorted(log), sorted([
            ('stdout', 'F', 'out'), ('stderr', 'F', 'error'), ('stdout', 'P', 'x' * 16384), ('stdout', 'F', 'x' * 3616),
            ('stdout', 'P', 'end')]))
        rotated = pod.serve('trap "echo again" USR1; ' + pods.SERVICE)
        path = os.path.join(pod.logs, rotated.log_path)
        os.rename(path, path + '.1')
        self.machine.client.call('ReopenContainerLog', container_id=rotated.id)
        rotated.said('kill', '-USR1', '1')
        pods.harness.wait_until(lambda: rotated.output() == 'again\n', 'the new file has the new line')

    def test_terminal(self):
        pod = self.pod()
        container = pod.run('tty; stty | head -n 1; echo to-error >&2', tty=True)
        self.assertEqual(container.wait().exit_code, 0)
        self.assertEqual(container.output('stdout').replace('\r', ''),
                         '/dev/pts/0\nspeed 38400 baud; line = 0;\nto-error\n')
        self.assertEqual(pod.run('tty').result(), ('not a tty\n', 1))

    def test_exec(self):
        pod = self.pod()
        container = pod.serve(working_dir='/var', envs=[{'key': 'WORD', 'value': 'x'}], **secured(
            run_as_user={'value': '77'}, supplemental_groups=[2000]))
        answer = container.exec('pwd; id -u; id -G; echo $WORD; echo error >&2; exit 4')
        self.assertEqual((answer.stdout, answer.stderr, answer.exit_code), (b'/var\n77\n0 2000\nx\n', b'error\n', 4))
        self.assertEqual(len(container.exec('head -c 3000000 /dev/zero').stdout), 3000000)
        self.assertEqual(container.exec('kill -9 $$').exit_code, 137)
        with self.assertRaises(grpc.RpcError) as caught:
            container.exec('nothing', '')
        self.assertIn('exec: "nothing": executable file not found in $PATH', caught.exception.details())
        with self.assertRaises(grpc.RpcError) as caught:
            container.exec('sleep 1001', timeout=1)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(container.said('ps | grep -c "[s]leep 1001" || true'), '0')
        container.stop()
        with self.assertRaises(grpc.RpcError) as caught:
            container.exec('true')
        self.assertIn('CONTAINER_EXITED', caught.exception.details())


class WithFlags(pods.Case):
    handler = pods.node.WITH_SECCOMP

    def test_profiles(self):
        """Of the runtime, and of a file on the node, hold inside if the handler's program says so."""
        pod = self.pod()
        ask = 'sed -n "s/Seccomp:\t//p" /proc/self/status; mkdir /tmp/made || echo refused'
        self.assertEqual(pod.run(ask).output_of_end('stdout'), '2\n')
        profile = pod.directory + '/profile.json'
        with open(profile, 'w') as f:
            f.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": ['
                    '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}')
        local = pod.run(ask, **secured(seccomp={'profile_type': 'Localhost', 'localhost_ref': profile}))
        self.assertEqual(local.output_of_end('stdout'), '2\nrefused\n')


class ContainersOfRunc(Containers):
    handler = 'runc'
