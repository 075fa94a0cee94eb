"""Pods and containers as kubelet asks for them, and what the tests of them share."""
import itertools
import json
import os
import re
import unittest

import grpc

import engine
import harness
import node

NUMBERS = itertools.count(1)
# What runs until it is told to end, and says when it is ready to be told.
SERVICE = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done'
# What kubelet passes for a container that is not privileged and says nothing of its own.
MASKED = ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats',
          '/proc/sched_debug', '/proc/scsi', '/sys/firmware']
READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']
LOG_LINE = re.compile(r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP]) (.*)\Z')


def merged(base, change):
    """A configuration with parts replaced; dicts are merged."""
    out = dict(base)
    for key, value in change.items():
        out[key] = merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return out


class Pod:
    def __init__(self, machine, handler, **change):
        self.machine = machine
        self.client = machine.client
        number = next(NUMBERS)
        uid = 'pod%d' % number
        self.cgroup = '/%s/%s' % (machine.group, uid)
        self.directory = os.path.join(machine.work, 'pods', uid)
        self.logs = self.directory + '/logs'
        os.makedirs(self.logs)
        self.config = merged({
            'metadata': {'name': 'name-of-' + uid, 'uid': uid, 'namespace': 'default'}, 'hostname': uid,
            'log_directory': self.logs, 'labels': {'app': uid}, 'annotations': {'made': 'by tests'},
            'linux': {'cgroup_parent': self.cgroup, 'security_context': {
                'namespace_options': {'pid': 'CONTAINER'}, 'seccomp': {'profile_type': 'RuntimeDefault'}}}}, change)
        self.handler = handler
        self.id = ''

    def start(self):
        self.id = self.client.call('RunPodSandbox', config=self.config, runtime_handler=self.handler).pod_sandbox_id

    def status(self):
        return self.client.call('PodSandboxStatus', pod_sandbox_id=self.id).status

    def info(self):
        return json.loads(self.client.call('PodSandboxStatus', pod_sandbox_id=self.id, verbose=True).info['info'])

    def ip(self):
        return self.status().network.ip

    def create(self, *program, name='', **change):
        """A container that is not started. `program` is the script of a shell, or a program with arguments."""
        return Container(self, program, name or 'c%d' % next(NUMBERS), change)

    def run(self, *program, **options):
        container = self.create(*program, **options)
        container.start()
        return container

    def serve(self, script=SERVICE, **options):
        """A container whose script has said that it is ready."""
        container = self.run(script, **options)
        harness.wait_until(lambda: 'ready' in container.output(), 'the container is ready')
        return container

    def statistics(self):
        return self.client.call('PodSandboxStats', pod_sandbox_id=self.id).stats.linux

    def stop(self):
        self.client.call('StopPodSandbox', pod_sandbox_id=self.id)

    def remove(self):
        """With all its containers. The cgroup above theirs is kubelet's to remove."""
        if self.id:
            self.stop()
            self.client.call('RemovePodSandbox', pod_sandbox_id=self.id)
        for path in self.machine.cgroups():
            if path.endswith(self.cgroup):
                os.rmdir(path)


class Container:
    def __init__(self, pod, program, name, change):
        self.pod = pod
        self.client = pod.client
        words = {'command': ['/bin/sh', '-c', program[0]]} if len(program) == 1 else {'command': list(program)}
        self.log_path = '%s-%d.log' % (name, next(NUMBERS))
        self.config = merged({
            'metadata': {'name': name}, 'image': {'image': node.IMAGE}, 'log_path': self.log_path,
            'labels': {'container': name}, 'linux': {'security_context': {
                'namespace_options': {'pid': 'CONTAINER'}, 'masked_paths': MASKED, 'readonly_paths': READ_ONLY,
                'seccomp': {'profile_type': 'RuntimeDefault'}}}, **words}, change)
        self.id = self.client.call('CreateContainer', pod_sandbox_id=pod.id, config=self.config,
                                   sandbox_config=pod.config).container_id

    def start(self):
        self.client.call('StartContainer', container_id=self.id)

    def status(self):
        return self.client.call('ContainerStatus', container_id=self.id).status

    def info(self):
        return json.loads(self.client.call('ContainerStatus', container_id=self.id, verbose=True).info['info'])

    def is_running(self):
        return self.status().state == 1

    def wait(self):
        """Its status when it has ended."""
        return harness.wait_until(lambda: self.ended(), 'container %s ends' % self.config['metadata']['name'])

    def ended(self):
        status = self.status()
        return status if status.state == 2 else None

    def exec(self, *program, timeout=0):
        """ExecSync of a shell's script, or of a program: its answer."""
        words = ['/bin/sh', '-c', program[0]] if len(program) == 1 else list(program)
        return self.client.call('ExecSync', container_id=self.id, cmd=words, timeout=timeout)

    def said(self, *program):
        """What a program in it prints, which has to succeed."""
        answer = self.exec(*program)
        if answer.exit_code != 0:
            raise AssertionError('%s: %d: %s%s' % (program, answer.exit_code, answer.stdout, answer.stderr))
        return answer.stdout.decode().rstrip('\n')

    def log(self):
        """The lines of its log: (stream, tag, text). Each has to be of the form that kubelet reads."""
        with open(os.path.join(self.pod.logs, self.log_path)) as f:
            lines = f.read().split('\n')
        if lines.pop():
            raise AssertionError('half a line in the log')
        return [LOG_LINE.match(line).groups()[1:] for line in lines]

    def output(self, stream=None):
        """What it has written, of one stream or of both."""
        return ''.join(text + ('\n' if tag == 'F' else '') for of, tag, text in self.log() if stream in (None, of))

    def output_of_end(self, stream):
        """What it has written of a stream when it has ended."""
        self.wait()
        return self.output(stream)

    def result(self):
        """What it has written in all, and its exit status."""
        status = self.wait()
        return self.output(), status.exit_code

    def statistics(self):
        return self.client.call('ContainerStats', container_id=self.id).stats

    def cgroup_file(self, controller, name):
        """What a file of its cgroup on the host says."""
        with open('/sys/fs/cgroup/%s%s/%s/%s' % (controller, self.pod.cgroup, self.id, name)) as f:
            return f.read().strip()

    def stop(self, timeout=0):
        self.client.call('StopContainer', container_id=self.id, timeout=timeout)

    def remove(self):
        self.client.call('RemoveContainer', container_id=self.id)


class Case(unittest.TestCase):
    """Tests with pods of one handler. A subclass for runc tells that what they expect is right."""
    handler = node.OURS
    machine = None

    def setUp(self):
        self.pods = []
        self.addCleanup(self.remove_pods)

    def pod(self, **change):
        pod = Pod(self.machine, self.handler, **change)
        self.pods.append(pod)
        pod.start()
        return pod

    def remove_pods(self):
        for pod in self.pods:
            pod.remove()
        try:
            harness.wait_until(lambda: not self.machine.leftovers(), 'nothing is left')
        except AssertionError as error:
            raise AssertionError('left: %s' % self.machine.leftovers()) from error

    def refused(self, *args, **options):
        """What the runtime says when a container cannot be made or started."""
        with self.assertRaises(grpc.RpcError) as caught:
            self.pod_of_refused.run(*args, **options)
        return caught.exception.details()

    @property
    def is_ours(self):
        return self.handler == node.OURS


def set_up_module():
    """A node for all tests of a module."""
    Case.machine = node.Node()
    unittest.addModuleCleanup(Case.machine.close)
