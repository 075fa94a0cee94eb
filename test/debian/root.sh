#!/bin/bash
# Makes the Debian 12 root that the programs run in: root.sh DIRECTORY [MIRROR]
#
# DIRECTORY lies in the tree's ignored build directory. A root of the same list of packages is used again. Needs root,
# debootstrap and a mirror of Debian; says in one line what to do when one of them is missing.
set -euo pipefail

directory=$1
mirror=${2:-${DEBIAN_MIRROR:-http://deb.debian.org/debian}}
suite=bookworm
# libboost-regex: gdb asks for a name that only this package provides, which debootstrap does not find out.
packages=(
  python3 libpython3.11-testsuite gcc g++ libc6-dev make git perl procps xz-utils bzip2 less file sqlite3 openssl gawk bc
  nodejs strace gdb libboost-regex1.74.0
)
stamp="$suite ${packages[*]}"
log=$directory.log

fail() {
  echo "root.sh: $1" >&2
  exit 1
}

[ "$(cat "$directory.stamp" 2>/dev/null)" != "$stamp" ] || exit 0
[ "$(id -u)" = 0 ] || fail "debootstrap needs root: run me as root"
command -v debootstrap >/dev/null || fail "debootstrap is not installed: bash third_party/install_packages.sh test"

mkdir -p "$(dirname "$directory")"
rm -rf --one-file-system "$directory" "$directory.stamp"
echo "Making a Debian 12 root in $directory (about a minute; log: $log)"
if ! debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" "$suite" "$directory" "$mirror" \
    >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  fail "debootstrap failed from $mirror: see $log; DEBIAN_MIRROR=URL chooses another mirror"
fi
rm -f "$directory"/var/cache/apt/archives/*.deb
echo "$stamp" >"$directory.stamp"
