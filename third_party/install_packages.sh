#!/bin/bash
# Installs the Debian 12 packages that a build needs, and with "test" those that the tests need too. Only what is missing;
# without anything missing it needs neither root nor a network.
set -euo pipefail

packages=(
  g++ git
  bazel-bootstrap bazel-platforms bazel-rules-java bazel-rules-proto bazel-skylib
  lld capnproto libcapnp-dev nlohmann-json3-dev libseccomp-dev libgflags-dev libgoogle-glog-dev libgtest-dev libgmock-dev
  busybox-static
)
[ "${1:-build}" != test ] || packages+=(clang-format python3 util-linux procps iproute2 debootstrap runc)
# Engines, and what Podman does not name as needed: networks, the first container of a pod.
[ "${1:-build}" != test ] || packages+=(docker.io containerd podman containernetworking-plugins iptables catatonit uidmap passwd python3-yaml)
# A client of containerd's service for Kubernetes.
[ "${1:-build}" != test ] || packages+=(python3-grpcio python3-protobuf protobuf-compiler)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
