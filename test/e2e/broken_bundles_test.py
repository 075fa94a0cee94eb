"""Broken bundles: one clear line each, an exit code that is not 0, nothing left behind."""
import json
import os
import struct

import harness


def put(*path):
    """A change of the configuration: put('process', 'cwd')('tmp') sets process.cwd."""
    def value(new):
        def change(spec):
            at = spec
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = new
        return change
    return value


def drop(*path):
    def change(spec):
        at = spec
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]
    return change


# Name, change, what the line must say.
CONFIGURATIONS = [
    ('not an object', lambda spec: [1], 'config.json: must be an object'),
    ('no version', drop('ociVersion'), 'ociVersion: is missing'),
    ('old version', put('ociVersion')('0.2.0'), 'ociVersion: version "0.2.0" is not supported'),
    ('version of the wrong type', put('ociVersion')(1), 'ociVersion: must be a string'),
    ('no process', drop('process'), 'process: is missing'),
    ('process of the wrong type', put('process')('sh'), 'process: must be an object'),
    ('no arguments', drop('process', 'args'), 'process.args: is missing'),
    ('empty arguments', put('process', 'args')([]), 'process.args: must not be empty'),
    ('empty program', put('process', 'args')(['']), "the program's name is empty"),
    ('argument of the wrong type', put('process', 'args')(['sh', 1]), 'process.args[1]: must be a string'),
    ('relative cwd', put('process', 'cwd')('tmp'), 'process.cwd: "tmp" is not absolute'),
    ('no cwd', drop('process', 'cwd'), 'process.cwd: is missing'),
    ('bad environment', put('process', 'env')(['PATH']), 'process.env[0]: "PATH" is not of the form NAME=value'),
    ('negative uid', put('process', 'user')({'uid': -1, 'gid': 0}), 'process.user.uid: -1 is out of range'),
    ('uid of the wrong type', put('process', 'user')({'uid': 'root'}), 'process.user.uid: must be a number'),
    ('unknown resource limit', put('process', 'rlimits')([{'type': 'RLIMIT_FOO', 'soft': 1, 'hard': 1}]),
     'unknown resource "RLIMIT_FOO"'),
    ('SELinux label', put('process', 'selinuxLabel')('a:b:c:d'), 'SELinux labels are not supported'),
    ('capabilities of the wrong type', put('process', 'capabilities')('ALL'),
     'process.capabilities: must be an object'),
    ('terminal of the wrong type', put('process', 'terminal')('yes'), 'process.terminal: must be a boolean'),
    ('no root', drop('root'), 'root: is missing'),
    ('missing root directory', put('root', 'path')('nowhere'), 'root.path: "nowhere": no such file or directory'),
    ('root that is a file', put('root', 'path')('config.json'), 'root.path: "config.json" is not a directory'),
    ('host root', put('root', 'path')('/'), "the host's root is not a container's root"),
    ('unknown mount type', put('mounts')([{'destination': '/x', 'type': 'ext9', 'source': 'x'}]),
     'mounts[0].type: unknown mount type "ext9"'),
    ('mount without destination', put('mounts')([{'type': 'tmpfs'}]), 'mounts[0].destination: is missing'),
    ('missing bind source', put('mounts')([{'destination': '/x', 'type': 'bind', 'source': '/nowhere',
                                            'options': ['bind']}]),
     'mounts[0].source: "/nowhere": no such file or directory'),
    ('mounts of the wrong type', put('mounts')({}), 'mounts: must be an array'),
    ('relative hook', put('hooks')({'prestart': [{'path': 'true'}]}), 'hooks.prestart[0].path'),
    ('duplicate namespace', put('linux', 'namespaces')([{'type': 'pid'}, {'type': 'pid'}]),
     'namespace "pid" is listed twice'),
    ('unknown namespace', put('linux', 'namespaces')([{'type': 'dream'}]), 'unknown namespace type "dream"'),
    ('missing namespace', put('linux', 'namespaces')([{'type': 'network', 'path': '/nowhere'}]),
     'linux.namespaces[0].path: "/nowhere": no such file or directory'),
    ('mapping without namespace', put('linux', 'uidMappings')([{'containerID': 0, 'hostID': 0, 'size': 1}]),
     'id mappings without a user namespace'),
    ('overlapping mapping',
     put('linux')({'namespaces': [{'type': 'user'}],
                   'uidMappings': [{'containerID': 0, 'hostID': 0, 'size': 9},
                                   {'containerID': 5, 'hostID': 50, 'size': 1}],
                   'gidMappings': [{'containerID': 0, 'hostID': 0, 'size': 1}]}), 'overlaps another mapping'),
    ('relative masked path', put('linux', 'maskedPaths')(['proc']), 'linux.maskedPaths[0]: "proc" is not absolute'),
    ('pids limit of the wrong type', put('linux', 'resources')({'pids': {'limit': 'many'}}),
     'linux.resources.pids.limit: must be a number'),
    ('cgroup path that leads upwards', put('linux', 'cgroupsPath')('/../../x'), 'cgroupsPath'),
]


class BrokenBundles(harness.Case):
    def expect(self, bundle, text):
        self.assert_one_error(self.runsc('run', '--bundle', bundle, 'broken'), text)
        self.assert_nothing_left()

    def test_configurations(self):
        self.assertGreaterEqual(len(CONFIGURATIONS), 30)
        for name, change, text in CONFIGURATIONS:
            with self.subTest(name):
                self.expect(self.bundle(change=change), text)

    def test_no_bundle(self):
        self.expect(os.path.join(self.work, 'nowhere'), 'no such file or directory')

    def test_no_configuration(self):
        bundle = self.bundle()
        os.unlink(bundle + '/config.json')
        self.expect(bundle, 'config.json: no such file or directory')

    def test_texts_that_are_no_configuration(self):
        bundle = self.bundle()
        for text in (b'', b'{', b'hello', b'{"a":"\xff"}', b'\0' * 100, b'[' * 100000):
            with self.subTest(text[:10]):
                with open(bundle + '/config.json', 'wb') as f:
                    f.write(text)
                self.expect(bundle, 'config.json: parse error')

    def test_configuration_that_is_a_directory(self):
        bundle = self.bundle()
        os.unlink(bundle + '/config.json')
        os.mkdir(bundle + '/config.json')
        self.expect(bundle, 'config.json: not a regular file')

    def test_missing_program(self):
        self.expect(self.bundle(['nothing']), 'executable file not found in $PATH')

    def test_missing_path_of_program(self):
        self.expect(self.bundle(['/bin/nothing']), 'no such file or directory')

    def test_program_that_is_not_executable(self):
        self.expect(self.bundle(['/etc/passwd']), 'permission denied')

    def test_program_that_is_a_directory(self):
        self.expect(self.bundle(['/etc']), 'permission denied')

    def add_program(self, bundle, content):
        path = bundle + '/rootfs/bin/program'
        with open(path, 'wb') as f:
            f.write(content)
        os.chmod(path, 0o755)
        with open(bundle + '/config.json') as f:
            spec = json.load(f)
        spec['process']['args'] = ['/bin/program']
        with open(bundle + '/config.json', 'w') as f:
            json.dump(spec, f)
        return bundle

    def test_program_of_another_architecture(self):
        with open('/bin/busybox', 'rb') as f:
            program = bytearray(f.read())
        struct.pack_into('<H', program, 18, 183)  # e_machine: EM_AARCH64
        self.expect(self.add_program(self.bundle(), bytes(program)), 'exec format error')

    def test_program_that_is_garbage(self):
        self.expect(self.add_program(self.bundle(), b'\x7fELFgarbage'), 'exec format error')

    def test_missing_cwd_is_made_or_refused(self):
        result = self.run_bundle(['pwd'], put('process', 'cwd')('/no/such/place'))
        if result.returncode == 0:
            self.assertEqual(result.stdout, '/no/such/place\n')
        else:
            self.assert_one_error(result, 'no such file or directory')

    def test_bad_ids(self):
        bundle = self.bundle()
        self.assert_one_error(self.runsc('run', '--bundle', bundle, ''), 'container id cannot be empty')
        for name in ('.', '..', 'a/b', '../x', 'a b', 'x' * 1025, 'é', 'a@b'):
            with self.subTest(name):
                self.assert_one_error(self.runsc('run', '--bundle', bundle, name), 'invalid container ID')
                self.assert_nothing_left()
