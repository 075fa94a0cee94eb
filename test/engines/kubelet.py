"""What kubelet makes of a pod's manifest, as far as those in kubernetes/ go: calls of the CRI."""
import os

UNITS = {'Ki': 1 << 10, 'Mi': 1 << 20, 'Gi': 1 << 30}
CPU_PERIOD = 100000


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
        path = os.path.join(pod.directory, 'volumes', mount['name'])
        os.makedirs(path, mode=0o777, exist_ok=True)
        out.append({'container_path': mount['mountPath'], 'host_path': path, 'readonly': mount.get('readOnly', False)})
    return out


def run_container(pod, container):
    """A container of pods.Pod `pod` by its part of a manifest, started."""
    security = container.get('securityContext', {})
    return pod.run(name=container['name'], image={'image': container['image']}, command=container['command'],
                   args=container.get('args', []), mounts=mounts(pod, container),
                   linux={'resources': resources(container),
                          'security_context': {'readonly_rootfs': security.get('readOnlyRootFilesystem', False)}})
