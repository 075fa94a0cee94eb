"""What kubelet makes of a pod's manifest, as far as those in kubernetes/ go: calls of the CRI."""
import os

import yaml

# Of the manifests; ours stands in for it.
IMAGE = 'docker.io/library/busybox:1.36'
UNITS = {'Ki': 1 << 10, 'Mi': 1 << 20, 'Gi': 1 << 30}
CPU_PERIOD = 100000


def path(name):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), 'kubernetes', name)


def read(name):
    """What is in a manifest: a list."""
    with open(path(name)) as f:
        return list(yaml.safe_load_all(f))


def bytes_of(quantity):
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def millicores(quantity):
    return int(quantity[:-1]) if quantity.endswith('m') else int(quantity) * 1000


def resources(container):
    """Of LinuxContainerResources."""
    limits = container.get('resources', {}).get('limits', {})
    out = {}
    if 'memory' in limits:
        out['memory_limit_in_bytes'] = str(bytes_of(limits['memory']))
    if 'cpu' in limits:
        out['cpu_period'] = str(CPU_PERIOD)
        out['cpu_quota'] = str(millicores(limits['cpu']) * CPU_PERIOD // 1000)
        out['cpu_shares'] = str(millicores(limits['cpu']) * 1024 // 1000)
    return out


def mounts(pod, container):
    """Directories for volumes of the kind emptyDir, and where a container has them."""
    out = []
    for mount in container.get('volumeMounts', []):
        volume = os.path.join(pod.directory, 'volumes', mount['name'])
        os.makedirs(volume, mode=0o777, exist_ok=True)
        out.append({'container_path': mount['mountPath'], 'host_path': volume,
                    'readonly': mount.get('readOnly', False)})
    return out


def run_container(pod, container):
    """A container of pods.Pod `pod` by its part of a manifest, started."""
    security = container.get('securityContext', {})
    return pod.run(name=container['name'], image={'image': container['image']}, command=container['command'],
                   args=container.get('args', []), mounts=mounts(pod, container),
                   linux={'resources': resources(container),
                          'security_context': {'readonly_rootfs': security.get('readOnlyRootFilesystem', False)}})
