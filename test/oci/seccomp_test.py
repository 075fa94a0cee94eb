"""linux.seccomp: what runc has the host do, ours does inside with --oci-seccomp."""
import json
import signal

import oci

FLAGS = () if oci.IS_RUNC else ('--oci-seccomp',)
ENOSPC = 28


def rule(names, action='SCMP_ACT_ERRNO', args=None, **more):
    return dict({'names': names, 'action': action}, **({'args': args} if args else {}), **more)


class Seccomp(oci.Case):
    def run_under(self, rules, script, flags=FLAGS, **profile):
        """A shell's script in a container with that profile."""
        def change(spec):
            spec['linux']['seccomp'] = dict({'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': rules}, **profile)
        return self.run_bundle(['sh', '-c', script], change, flags)

    def said(self, *args, **profile):
        result = self.run_under(*args, **profile)
        self.assertEqual(result.stderr, '')
        return result.stdout.split()

    def test_errors(self):
        found = self.said([rule(['mkdir', 'mkdirat', 'no_such_call'], errnoRet=ENOSPC), rule(['symlink', 'symlinkat'])],
                          'mkdir /tmp/d 2>&1; busybox ln -s a /tmp/l 2>&1; exit 0', architectures=['SCMP_ARCH_X86_64'])
        self.assertIn('No space left on device', ' '.join(found))
        self.assertIn('Operation not permitted', ' '.join(found))

    def test_arguments(self):
        refused = [{'index': 1, 'op': 'SCMP_CMP_EQ', 'value': int(s)} for s in (signal.SIGUSR1, signal.SIGUSR2)]
        set_id = [{'index': 1, 'op': 'SCMP_CMP_MASKED_EQ', 'value': 0o4000, 'valueTwo': 0o4000}]
        script = ('for s in 0 10 12; do kill -$s $$ 2>/dev/null; echo $?; done; echo > /tmp/f; '
                  'for m in 755 4755; do busybox chmod $m /tmp/f 2>/dev/null; echo $?; done')
        self.assertEqual(self.said([rule(['kill'], args=refused), rule(['chmod'], args=set_id)], script),
                         ['0', '1', '1', '0', '1'])

    def test_death(self):
        result = self.run_under([rule(['mkdir'], 'SCMP_ACT_KILL_PROCESS')], 'mkdir /tmp/d; echo $?')
        self.assertEqual(result.stdout, '%d\n' % (128 + signal.SIGSYS))

    def test_what_the_process_sees(self):
        self.assertEqual(self.said([rule(['mkdir'])], 'while read a b; do case $a in Seccomp:) echo $b;; esac; done '
                                   '< /proc/self/status'), ['2'])

    def test_exec(self):
        def change(spec):
            spec['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [rule(['mkdir'])]}
        self.run_detached('c', ('sleep', '1000'), change, before=FLAGS)
        result = self.runsc('exec', 'c', 'mkdir', '/tmp/d')
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('Operation not permitted', result.stderr)

    def test_wrong_profiles(self):
        for profile in ({'defaultAction': 'SCMP_ACT_FLY'}, {'syscalls': [rule(['mkdir'], 'SCMP_ACT_FLY')]},
                        {'syscalls': [rule(['kill'], args=[{'index': 1, 'op': 'EQ', 'value': 1}])]}):
            with self.subTest(profile):
                def change(spec, profile=profile):
                    spec['linux']['seccomp'] = dict({'defaultAction': 'SCMP_ACT_ALLOW'}, **profile)
                self.fails(*FLAGS, 'run', '--bundle', self.bundle(['true'], change), 'c')

    def test_features_tell_what_a_profile_may_name(self):
        found = json.loads(self.ok(*FLAGS, 'features'))['linux']['seccomp']
        self.assertTrue(found['enabled'])
        self.assertLessEqual({'SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS'}, set(found['actions']))
        self.assertIn('SCMP_CMP_MASKED_EQ', found['operators'])
        self.assertIn('SCMP_ARCH_X86_64', found['archs'])

    @oci.not_in_runc('runc always applies it')
    def test_features_without_the_flag(self):
        self.assertEqual(json.loads(self.ok('features'))['linux']['seccomp'], {'enabled': False})

    @oci.not_in_runc('runc always applies it')
    def test_without_the_flag_it_is_ignored(self):
        result = self.run_under([rule(['mkdir'])], 'mkdir /tmp/d; echo $?', flags=())
        self.assertEqual(result.stdout, '0\n')
        self.assertIn('linux.seccomp is ignored', result.stderr)
