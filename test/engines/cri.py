"""A client of the Container Runtime Interface, the gRPC service by which kubelet drives containerd."""
import os
import subprocess
import tempfile

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf import json_format
from google.protobuf import message_factory

import harness

PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cri', 'runtime.proto')


def read_messages():
    """The classes of what cri/runtime.proto declares, by full name."""
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, 'set')
        subprocess.run(['protoc', '--proto_path', os.path.dirname(PROTO), '--descriptor_set_out', out, PROTO],
                       check=True)
        with open(out, 'rb') as f:
            return message_factory.GetMessages(descriptor_pb2.FileDescriptorSet.FromString(f.read()).file)


class Client:
    """Calls of the runtime service behind a UNIX socket. Failures are grpc.RpcError, with code() and details()."""

    def __init__(self, socket):
        self.messages = read_messages()
        # Soon again while there is nobody yet; by itself it waits for seconds.
        self.channel = grpc.insecure_channel('unix://' + socket, options=[
            ('grpc.%s_reconnect_backoff_ms' % which, 100) for which in ('initial', 'min', 'max')])

    def close(self):
        self.channel.close()

    def call(self, method, **members):
        """The answer. Members of the request are given as in protobuf's JSON: dicts, lists, names of enumerators."""
        request = json_format.ParseDict(members, self.messages['runtime.v1.%sRequest' % method]())
        stub = self.channel.unary_unary(
            '/runtime.v1.RuntimeService/' + method, request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.messages['runtime.v1.%sResponse' % method].FromString)
        return stub(request, timeout=harness.PATIENCE)
