#!/bin/bash
# The end-to-end and lifecycle tests in a machine of cgroup v2 with systemd: run.sh RUNSC [suite [module ..]]
#
# As root, on Debian 12. The first time it makes the machine, in the tree's build directory: README.md. A suite is e2e, oci,
# or oci-runc (the lifecycle tests with runc); without one, all three. The last line is "N passed, N failed".
#   ACCEL=kvm        where the processor can carry virtual machines: tens of times faster than the emulation
#   KERNEL_RELEASE   one of those in the machine's /boot: linux-image-*-cloud-amd64 of bookworm-backports is the default
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
runsc=$(readlink -f "$1")
shift
mkdir -p "$here/../../build"
machine=$(readlink -f "$here/../../build")/machine
bash "$here/make.sh" "$machine"

work=$(mktemp -d /tmp/runsc-machine.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/suites"
cp -r "$here"/../{e2e,oci,sanitizer.py} "$here/inside.sh" "$work/suites"
cp "$runsc" "$work/suites/runsc"
printf '%s\n' "$*" >"$work/suites/wanted"
truncate -s 256M "$work/suites.ext4"
mke2fs -q -t ext4 -d "$work/suites" "$work/suites.ext4"

release=${KERNEL_RELEASE:-$(cat "$machine/release")}
# Without cmpxchg16b, which QEMU 7.2 emulates wrongly: Linux 6.12 ends with a double fault. One processor: an emulated one
# that has to wait for the other is taken for dead. What the tests write is forgotten (snapshot).
processor=max,cx16=off,la57=off
[ "${ACCEL:-tcg}" = tcg ] || processor=host
nice -n 10 qemu-system-x86_64 -machine q35 -accel "${ACCEL:-tcg}" -cpu "$processor" -smp 1 -m 2G \
  -nodefaults -display none -no-reboot -serial stdio -snapshot \
  -kernel "$machine/boot/vmlinuz-$release" -initrd "$machine/boot/initrd.img-$release" \
  -append "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 mitigations=off panic=-1" \
  -drive "file=$machine/disk.ext4,if=virtio,format=raw" -drive "file=$work/suites.ext4,if=virtio,format=raw" \
  -device virtio-rng-pci </dev/null | tee "$work/log"

# Carriage returns: it is a terminal.
line=$(tr -d '\r' <"$work/log" | grep -E '^machine: [0-9]+ passed, [0-9]+ failed$' | tail -n 1) || true
[ -n "$line" ] || { echo "run.sh: the machine ended before the tests did" >&2; exit 1; }
[[ $line == *", 0 failed" ]]
