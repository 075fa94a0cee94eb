"""What a tmpfs looks like that is mounted over a directory of the image."""
import os

import oci


class Tmpfs(oci.Case):
    def see(self, options, script):
        """What a script says of a tmpfs over /data, where the image has a directory of mode 750 with something in it."""
        def mount(spec):
            spec['mounts'].append({'destination': '/data', 'type': 'tmpfs', 'source': 'tmpfs', 'options': list(options)})
        bundle = self.bundle(('sh', '-c', script), mount)
        data = os.path.join(bundle, 'rootfs/data')
        os.makedirs(os.path.join(data, 'below/deep'))
        with open(os.path.join(data, 'file'), 'w') as f:
            f.write('of the image\n')
        os.symlink('file', os.path.join(data, 'link'))
        os.chown(os.path.join(data, 'file'), 5, 6)
        os.chmod(os.path.join(data, 'file'), 0o646)
        os.chmod(os.path.join(data, 'below'), 0o1711)
        os.chmod(data, 0o750)
        self.ids.append('c')
        return self.ok('run', '--bundle', bundle, 'c')

    def test_has_the_permissions_of_what_it_covers(self):
        script = 'ls -ld /data | cut -c1-10; ls /data'
        self.assertEqual(self.see(['size=1m'], script), 'drwxr-x---\n')
        self.assertEqual(self.see(['mode=711'], script), 'drwxr-x---\n')

    def test_copies_up(self):
        seen = self.see(['size=1m', 'tmpcopyup'], 'ls -ld /data | cut -c1-10; cd /data; cat link; '
                        'ls -lnd file below | tr -s " " | cut -d" " -f1,3,4; echo */*; echo new > link; cat file')
        self.assertEqual(seen, 'drwxr-x---\nof the image\ndrwx--x--t 0 0\n-rw-r--rw- 5 6\nbelow/deep\nnew\n')

    def test_copies_nothing_where_nothing_is(self):
        def mount(spec):
            spec['mounts'].append({'destination': '/fresh', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup']})
        self.ids.append('c')
        seen = self.ok('run', '--bundle', self.bundle(('sh', '-c', 'ls -ld /fresh | cut -c1-10; ls /fresh'), mount), 'c')
        self.assertEqual(seen, 'drwxrwxrwt\n')
