#!/bin/bash
# Makes the machine's disk and kernel: make.sh DIRECTORY [MIRROR]. As root; about five minutes, 1 GB.
#
# Debian 12 with systemd, and the kernel of its backports: the one of Debian 12 (6.1) is too old for runsc. Used again when
# the list of packages is the same.
set -euo pipefail

directory=$1
mirror=${2:-${DEBIAN_MIRROR:-http://deb.debian.org/debian}}
packages=(systemd-sysv dbus dbus-user-session libpam-systemd udev kmod initramfs-tools zstd iproute2 procps util-linux
  passwd uidmap binutils python3 busybox-static runc ca-certificates)
kernel=linux-image-cloud-amd64
stamp="bookworm ${packages[*]} $kernel"
log=$directory.log

fail() {
  echo "make.sh: $1" >&2
  exit 1
}

[ "$(cat "$directory/stamp" 2>/dev/null)" != "$stamp" ] || exit 0
[ "$(id -u)" = 0 ] || fail "debootstrap needs root: run me as root"
for program in debootstrap mke2fs qemu-system-x86_64; do
  command -v "$program" >/dev/null || fail "$program is missing: apt-get install debootstrap e2fsprogs qemu-system-x86"
done

rm -rf --one-file-system "$directory"
mkdir -p "$directory"
root=$directory/root
echo "Making a machine in $directory (log: $log)"

make_root() {
  debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" bookworm "$root" "$mirror"
  echo "deb $mirror bookworm-backports main" >"$root/etc/apt/sources.list.d/backports.list"
  # Enough to find the disk: a small image is unpacked faster.
  echo MODULES=list >"$root/etc/initramfs-tools/conf.d/modules"
  printf 'virtio_pci\nvirtio_blk\next4\n' >>"$root/etc/initramfs-tools/modules"
  mount -t proc proc "$root/proc"
  trap 'umount "$root/proc"' EXIT
  chroot "$root" apt-get update
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y --no-install-recommends -t bookworm-backports "$kernel"
  umount "$root/proc"
  trap - EXIT
}

set_up() {
  echo sandbox >"$root/etc/hostname"
  echo '/dev/vdb /suites ext4 defaults 0 0' >"$root/etc/fstab"
  mkdir -p "$root/suites" "$root/etc/systemd/system.conf.d"
  # On a busy host an emulated machine finds its disks late.
  printf '[Manager]\nDefaultTimeoutStartSec=infinity\nDefaultDeviceTimeoutSec=infinity\n' \
    >"$root/etc/systemd/system.conf.d/patience.conf"
  cat >"$root/etc/systemd/system/suites.service" <<'EOF'
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
RequiresMountsFor=/suites
After=dbus.socket systemd-logind.service
[Service]
Type=oneshot
ExecStart=/bin/bash /suites/inside.sh
TimeoutStartSec=infinity
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
Delegate=yes
[Install]
WantedBy=multi-user.target
EOF
  chroot "$root" systemctl enable suites.service
  chroot "$root" systemctl mask serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
}

make_disk() {
  truncate -s 3G "$directory/disk.ext4"
  mke2fs -q -t ext4 -d "$root" "$directory/disk.ext4"
  mkdir "$directory/boot"
  cp "$root"/boot/{vmlinuz,initrd.img}-* "$directory/boot"
  (cd "$directory/boot" && printf '%s\n' vmlinuz-* | sort -V | tail -n 1 | sed 's/^vmlinuz-//') >"$directory/release"
  rm -rf --one-file-system "$root"
}

for step in make_root set_up make_disk; do
  (set -e; "$step") >>"$log" 2>&1 && continue
  tail -n 5 "$log" >&2
  fail "$step failed: see $log; DEBIAN_MIRROR=URL chooses another mirror"
done
echo "$stamp" >"$directory/stamp"
