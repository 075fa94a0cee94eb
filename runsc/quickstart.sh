#!/bin/bash
# From a fresh Debian 12 to a program in a sandbox: installs what is needed, builds runsc, makes a bundle, runs it.
# Run as root from anywhere: bash runsc/quickstart.sh
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

say() { printf '\n==> %s\n' "$*"; }

[ "$(id -u)" = 0 ] || { echo "quickstart.sh: run me as root" >&2; exit 1; }

say "1. Packages"
bash third_party/install_packages.sh build
echo "everything is installed"

say "2. Building runsc (bazel build --config=opt //runsc); the first time takes some minutes"
bazel build --config=opt //runsc 2>&1 | tail -n 3
runsc=$(readlink -f bazel-bin/runsc/runsc)
ls -lh "$runsc"

say "3. A bundle: a root file system made of busybox, and a config.json"
bundle=$(mktemp -d /tmp/runsc-quickstart.XXXXXX)
trap 'rm -rf "$bundle"' EXIT
mkdir -p "$bundle"/rootfs/{bin,dev,etc,proc,root,sys,tmp}
cp "$(command -v busybox)" "$bundle/rootfs/bin/busybox"
for applet in $("$bundle/rootfs/bin/busybox" --list); do [ "$applet" = busybox ] || ln -sf busybox "$bundle/rootfs/bin/$applet"; done
echo 'root:x:0:0:root:/root:/bin/sh' > "$bundle/rootfs/etc/passwd"
"$runsc" spec --bundle "$bundle"
script='echo hello from $(hostname), kernel $(uname -sr); id; ps; mount; ls -l /; echo $((6 * 7)) | cat; exit 7'
sed -i -e 's/"terminal": true/"terminal": false/' -e "s#^\([[:space:]]*\)\"sh\"#\1\"sh\", \"-c\", \"$script\"#" "$bundle/config.json"
grep -A 4 '"args"' "$bundle/config.json"
find "$bundle" -maxdepth 2 | sort

say "4. runsc run --bundle $bundle quickstart"
echo "   (every system call of what follows is served by runsc's kernel, not by the host's)"
status=0
"$runsc" --root "$bundle/state" run --bundle "$bundle" quickstart </dev/null || status=$?

say "5. The program ended with status $status (it was asked to end with 7)"
if [ "$status" = 7 ]; then
  echo "Done. Next: runsc help; README.md tells how to use it with your own bundles."
else
  echo "That is not what was expected." >&2
  exit 1
fi
