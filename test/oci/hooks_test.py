"""The bundle's hooks: order, state, failures."""
import json
import os

import oci

FOREVER = ('sleep', '1000')
KINDS = ('prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop')
# Hooks that run in the runtime's namespace; the others see the container's root or what leads to it.
OUTSIDE = ('prestart', 'createRuntime', 'poststart', 'poststop')


class Hooks(oci.Case):
    def hook(self, script):
        return {'path': '/bin/sh', 'args': ['sh', '-c', script], 'env': ['PATH=/bin:/usr/bin']}

    def recording(self, kinds):
        """A change of the specification: hooks that append their kind and keep the state that they read."""
        def change(spec):
            spec['hooks'] = {kind: [self.hook('cat > %s/%s.json; echo %s >> %s/order' % (self.work, kind, kind, self.work))]
                             for kind in kinds}
        return change

    def order(self):
        try:
            with open(self.work + '/order') as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def read(self, kind):
        with open('%s/%s.json' % (self.work, kind)) as f:
            return json.load(f)

    def test_order_and_state(self):
        pid = self.create('c', FOREVER, self.recording(OUTSIDE))
        self.assertEqual([k for k in self.order() if k != 'poststart'], ['prestart', 'createRuntime'])
        self.ok('start', 'c')
        self.assertEqual(self.order(), ['prestart', 'createRuntime', 'poststart'])
        self.ok('kill', 'c', 'KILL')
        self.end_of(pid)
        self.assertEqual(self.order()[-1], 'poststart')
        self.ok('delete', 'c')
        self.assertEqual(self.order(), list(OUTSIDE))
        for kind in OUTSIDE:
            state = self.read(kind)
            self.assertEqual((state['id'], state['bundle']), ('c', os.path.join(self.work, 'bundle1')))
            self.assertIn('ociVersion', state)
        self.assertEqual([self.read(k)['pid'] for k in OUTSIDE[:3]], [pid] * 3)
        self.assertEqual(self.read('createRuntime')['status'], 'creating')
        self.assertEqual(self.read('poststop')['status'], 'stopped')

    def test_start_container_hooks_run_inside(self):
        def change(spec):
            self.shared(spec)
            spec['hooks'] = {'startContainer': [self.hook('cat > /data/seen-state; hostname > /data/name')]}
        pid = self.create('c', ('sh', '-c', 'cat /data/name > /data/seen'), change)
        self.assertFalse(os.path.exists(self.work + '/name'))
        self.ok('start', 'c')
        self.assertEqual(self.end_of(pid), 0)
        with open(self.work + '/seen') as f:
            self.assertEqual(f.read(), 'e2e\n')
        with open(self.work + '/seen-state') as f:
            self.assertEqual(json.load(f)['id'], 'c')
        self.ok('delete', 'c')

    def test_a_failing_hook_undoes_everything(self):
        for kind in ('prestart', 'createRuntime', 'createContainer'):
            with self.subTest(kind):
                def change(spec):
                    self.recording(['poststop'])(spec)
                    spec['hooks'][kind] = [self.hook('exit 3'), self.hook('echo later >> %s/order' % self.work)]
                self.assertIn('hook #0', self.fails('create', '--bundle', self.bundle(['true'], change), 'c'))
                self.assertEqual(self.fails('state', 'c'), 'container does not exist')
                self.assertNotIn('later', self.order())
                self.assertEqual(self.order(), ['poststop'])
                os.remove(self.work + '/order')

    def test_a_failing_poststart_hook_ends_the_container(self):
        def change(spec):
            self.recording(['poststop'])(spec)
            spec['hooks']['poststart'] = [self.hook('echo why >&2; exit 3'), self.hook('echo later >> %s/order' % self.work)]
        self.assertIn('why', self.fails('run', '--detach', '--bundle', self.bundle(FOREVER, change), 'c'))
        self.assertEqual(self.fails('state', 'c'), 'container does not exist')
        self.assertEqual(self.order(), ['poststop'])

    @oci.not_in_runc('runc 1.1 runs poststart hooks at the end of create')
    def test_a_failing_poststart_hook_of_start(self):
        def change(spec):
            spec['hooks'] = {'poststart': [self.hook('exit 3')]}
        pid = self.create('c', FOREVER, change)
        self.assertIn('hook #0', self.fails('start', 'c'))
        self.assertEqual(self.end_of(pid), 128 + 9)
        self.assertEqual(self.oci_state('c')['status'], 'stopped')
        self.ok('delete', 'c')

    def test_a_hook_that_takes_too_long(self):
        def change(spec):
            spec['hooks'] = {'createRuntime': [dict(self.hook('exec sleep 1000'), timeout=1)]}
        self.fails('create', '--bundle', self.bundle(['true'], change), 'c')
        self.assertEqual(self.fails('state', 'c'), 'container does not exist')

    def test_a_failing_poststop_hook_is_no_error(self):
        def change(spec):
            spec['hooks'] = {'poststop': [self.hook('exit 3'), self.hook('echo second >> %s/order' % self.work)]}
        pid = self.create('c', FOREVER, change)
        self.runsc('delete', 'c')
        self.end_of(pid)
        self.assertEqual(self.fails('state', 'c'), 'container does not exist')
