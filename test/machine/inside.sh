#!/bin/bash
# In the machine: runs the suites that /suites/wanted names, and counts.
set -uo pipefail
cd /suites
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root RUNSC_TEST_PATIENCE=600
read -ra wanted <wanted
suites=("${wanted[0]:-}")
[ -n "${suites[0]}" ] || suites=(e2e oci oci-runc)
passed=0
failed=0
for suite in "${suites[@]}"; do
  runtime=/suites/runsc
  [ "$suite" != oci-runc ] || runtime=$(command -v runc)
  echo "==> $suite on Linux $(uname -r), $(systemctl --version | head -n 1), $(stat -f -c %T /sys/fs/cgroup)"
  python3 "${suite%-runc}/run.py" "$runtime" "${wanted[@]:1}" 2>&1 | tee /tmp/log
  if ! grep -qE '[0-9]+ passed, [0-9]+ failed' /tmp/log; then
    failed=$((failed + 1))
    continue
  fi
  read -r more _ worse _ < <(grep -oE '[0-9]+ passed, [0-9]+ failed' /tmp/log | tail -n 1)
  passed=$((passed + more))
  failed=$((failed + worse))
done
echo "machine: $passed passed, $failed failed"
