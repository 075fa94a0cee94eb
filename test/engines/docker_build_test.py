"""docker build under our runtime, which is the daemon's default."""
import docker

DOCKERFILE = '''
FROM %s
RUN echo made > /made && chmod 600 /made && mkdir -p /a/b && ln -s /made /a/link && chown 5:6 /a
COPY given /given
WORKDIR /a
USER 1000
RUN id -u > /tmp/id
USER root
RUN rm /etc/group && i=0 && while [ $i -lt 300 ]; do echo $i > /a/b/$i; i=$((i+1)); done
RUN rm -r /a/b && mkfifo /a/fifo
ENV FROM_IMAGE=yes
ENTRYPOINT ["sh", "-c", "cat /made /given /tmp/id; echo $FROM_IMAGE; pwd; ls /a; stat -c '%%a %%u:%%g' /made /a; ls /etc"]
'''


class DockerBuild(docker.Case):
    def build(self, tag):
        self.addCleanup(self.docker, 'image', 'rm', '--force', tag)
        self.addCleanup(self.remove_containers)
        with open(self.work + '/Dockerfile', 'w') as f:
            f.write(DOCKERFILE % docker.IMAGE)
        with open(self.work + '/given', 'w') as f:
            f.write('given\n')
        return self.ok('build', '--no-cache', '--tag', tag, self.work)

    def test_an_image(self):
        self.assertEqual(self.ok('info', '--format', '{{.DefaultRuntime}}'), docker.OURS)
        self.build('built')
        expected = ('made\ngiven\n1000\nyes\n/a\nfifo\nlink\n600 0:0\n755 5:6\nhostname\nhosts\nmtab\npasswd\nresolv.conf')
        for runtime in ('runc', docker.OURS):
            self.assertEqual(self.ok('run', '--rm', '--runtime', runtime, 'built'), expected)

    def test_a_step_that_fails(self):
        with open(self.work + '/Dockerfile', 'w') as f:
            f.write('FROM %s\nRUN exit 9\n' % docker.IMAGE)
        result = self.docker('build', '--tag', 'broken', self.work)
        self.assertIn('returned a non-zero code: 9', result.stderr)
