"""A node of Kubernetes without kubelet: a containerd of our own with its CRI plugin, a network of CNI, and as handlers
runc and our runtime, the latter as `runsc install` writes it.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import grpc

import cri
import engine
import harness
import walls

OURS = 'runsc'
WITH_SECCOMP = 'runsc-seccomp'
IMAGE = engine.IMAGE
PAUSE = 'docker.io/library/runsc-pause:1'
CAP_SYS_RESOURCE = 24
NETWORK = '10.244.7'
CONFIG = '''
version = 2
root = "{work}/root"
state = "{work}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "{work}/containerd.sock"
[ttrpc]
  address = "{work}/ttrpc.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = {restrict}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{work}/cni"
'''
# A handler with flags of the runtime.
WITH_FLAGS = '''
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}.options]
    BinaryName = "{work}/with-seccomp"
'''


def may_lower_oom_score():
    """What containerd asks for pods takes a capability that root of a container lacks."""
    with open('/proc/self/status') as f:
        effective = int(re.search(r'CapEff:\s+(\w+)', f.read()).group(1), 16)
    return bool(effective >> CAP_SYS_RESOURCE & 1)


class Node:
    def __init__(self):
        self.work = tempfile.mkdtemp(prefix='runsc-node.')
        self.group = 'runsc-node-%d' % os.getpid()
        self.runtime = self.work + '/runsc/runsc'
        self.walls = self.process = self.client = None
        try:
            self.walls = walls.Walls(self.work)
            self.configure()
            self.start()
            self.import_image(IMAGE)
            self.import_image(PAUSE, command=('/bin/sleep', '2147483647'))
        except BaseException:
            self.close()
            raise

    def configure(self):
        os.makedirs(self.work + '/runsc')
        shutil.copy(harness.RUNSC, self.runtime)
        config = self.work + '/config.toml'
        with open(config, 'w') as f:
            f.write(CONFIG.format(work=self.work, pause=PAUSE, restrict=str(not may_lower_oom_score()).lower()))
        subprocess.run([self.runtime, 'install', '--containerd-config', config], check=True, stdout=subprocess.DEVNULL)
        with open(config, 'a') as f:
            f.write(WITH_FLAGS.format(name=WITH_SECCOMP, work=self.work))
        with open(self.work + '/with-seccomp', 'w') as f:
            f.write('#!/bin/sh\nexec %s --oci-seccomp "$@"\n' % self.runtime)
        os.chmod(self.work + '/with-seccomp', 0o755)
        os.makedirs(self.work + '/cni')
        with open(self.work + '/cni/10-bridge.conflist', 'w') as f:
            json.dump({'cniVersion': '0.4.0', 'name': 'pods', 'plugins': [
                {'type': 'bridge', 'bridge': 'cni0', 'isGateway': True, 'ipMasq': True,
                 'ipam': {'type': 'host-local', 'dataDir': self.work + '/addresses', 'subnet': NETWORK + '.0/24',
                          'routes': [{'dst': '0.0.0.0/0'}]}},
                {'type': 'portmap', 'capabilities': {'portMappings': True}}]}, f)

    def start(self):
        with open(self.work + '/log', 'a') as log:
            self.process = subprocess.Popen(
                self.walls.inside('containerd', '--config', self.work + '/config.toml'), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        self.client = cri.Client(self.work + '/containerd.sock')
        harness.wait_until(self.answers, 'containerd answers')

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError('containerd has ended:\n' + self.log())
        try:
            return self.client.call('Status').status.conditions
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN):
                raise AssertionError('%s: %s\n%s' % (error.code(), error.details(), self.log())) from error
            return None

    def stop(self, number):
        """Ends containerd; its shims go on."""
        self.client.close()
        for pid, line in self.walls.processes():
            if line.startswith('containerd '):
                os.kill(pid, number)
        self.process.wait(harness.PATIENCE)

    def log(self):
        with open(self.work + '/log') as f:
            return f.read()[-4000:]

    def ctr(self, *words):
        result = subprocess.run(
            self.walls.inside('ctr', '--address', self.work + '/containerd.sock', '--namespace', 'k8s.io', *words),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
            timeout=harness.PATIENCE)
        if result.returncode != 0:
            raise AssertionError('ctr %s: %s%s' % (words, result.stdout, result.stderr))
        return result.stdout

    def import_image(self, name, **options):
        archive = self.work + '/image.tar'
        engine.write_image(archive, name, **options)
        self.ctr('image', 'import', archive)
        os.unlink(archive)

    def run(self, *words):
        """A command on the node; what it prints."""
        return subprocess.run(self.walls.inside(*words), stdin=subprocess.DEVNULL, check=True, stdout=subprocess.PIPE,
                              text=True, timeout=harness.PATIENCE).stdout

    def processes(self):
        """Command lines of all that belongs to pods."""
        known = ('containerd ', 'docker-init -s', '/sbin/docker-init', 'sleep infinity')
        return [line for _, line in self.walls.processes() if not line.startswith(known)]

    def mounts(self):
        with open('/proc/%d/mountinfo' % self.walls.first) as f:
            points = [line.split()[4] for line in f]
        return [point for point in points if point.startswith((self.work + '/', '/run/')) and point != '/run/netns']

    def files(self, path):
        try:
            return os.listdir(self.walls.path(path))
        except FileNotFoundError:
            return []

    def cgroups(self):
        """Below the parent of all pods."""
        return [path for path in engine.cgroups_named(self.group) if os.path.basename(path) != self.group]

    def leftovers(self):
        """What is left of pods, when there should be none."""
        state = ['state ' + name for name in self.files('/run/containerd/runc/k8s.io')]
        spaces = ['network namespace ' + name for name in self.files('/run/netns')]
        links = [line for line in self.run('ip', '-o', 'link').splitlines() if ': veth' in line]
        return self.processes() + self.mounts() + state + spaces + links + self.cgroups()

    def close(self):
        """Ends everything, in whichever state it is."""
        if self.client:
            self.client.close()
        if self.process and self.process.poll() is None:
            self.stop(signal.SIGTERM)
        if self.walls:
            self.walls.close()
        for path in engine.cgroups_named(self.group):
            # Busy until the last process, which is killed already, is gone.
            harness.wait_until(lambda path=path: engine.remove_directory(path), path + ' can be removed')
        shutil.rmtree(self.work, ignore_errors=True)
