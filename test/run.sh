#!/bin/bash
# All tests, on a fresh Debian 12 machine as root: bash test/run.sh
#
# Installs what is needed, builds, and checks the format of the sources; runs the unit tests, the guest tests natively and
# inside, the end-to-end and lifecycle tests (those with runc too), the tests with real engines, and real programs compared
# with runc. A summary for each suite, and as the last line "N passed, N failed". The exit status says the same.
#   BAZEL_FLAGS        more flags for bazel, such as --config=asan
#   RUNSC_KILL_ROUNDS  rounds of each kill -9 test (default 24 to 40)
#   RUNSC_FULL         not empty: the heavy and hostile programs at full size (10 minutes instead of one or two)
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

[ "$(id -u)" = 0 ] || { echo "run.sh: run me as root" >&2; exit 1; }
read -ra flags <<<"${BAZEL_FLAGS:-}"
logs=$(mktemp -d /tmp/runsc-tests.XXXXXX)
trap 'rm -rf "$logs"' EXIT
total_passed=0
total_failed=0
summary=()

say() { printf '\n==> %s\n' "$*"; }

# count SUITE PASSED FAILED
count() {
  total_passed=$((total_passed + $2))
  total_failed=$((total_failed + $3))
  summary+=("$(printf '%-16s %5d passed, %5d failed' "$1" "$2" "$3")")
}

# The last "N passed, N failed" of a log; a suite without one has failed.
count_log() {
  local line
  line=$(grep -oE '[0-9]+ passed, [0-9]+ failed' "$2" | tail -n 1)
  if [ -z "$line" ]; then
    count "$1" 0 1
  else
    read -r passed _ failed _ <<<"$line"
    count "$1" "$passed" "$failed"
  fi
}

# bazel_suite SUITE TARGETS..: counts the cases in the XML reports; a program that left none counts as one failure.
bazel_suite() {
  local suite=$1
  shift
  say "$suite: bazel test $*"
  bazel test "${flags[@]}" --test_output=errors --keep_going "$@" >"$logs/$suite" 2>&1
  grep -E '^//|^FAILED|^ERROR|\[  FAILED  \]' "$logs/$suite"
  python3 - "$logs/$suite" >"$logs/$suite.count" <<'EOF'
import re, sys, xml.etree.ElementTree as tree
passed = failed = 0
for line in open(sys.argv[1], errors='replace'):
    match = re.match(r'//(\S*):(\S+)\s+(?:\(cached\)\s+)?(PASSED|FAILED|TIMEOUT|NO STATUS|FAILED TO BUILD|FLAKY)', line)
    if not match:
        continue
    cases = bad = 0
    if match.group(3) in ('PASSED', 'FAILED'):
        try:
            root = tree.parse('bazel-testlogs/%s/%s/test.xml' % (match.group(1), match.group(2))).getroot()
            for suite in root.iter('testsuite'):
                cases += int(suite.get('tests', 0))
                bad += int(suite.get('failures', 0)) + int(suite.get('errors', 0))
        except (OSError, tree.ParseError):
            pass
    if match.group(3) != 'PASSED':
        bad = max(bad, 1)
    passed += max(cases - bad, 0)
    failed += bad
print('%d passed, %d failed' % (passed, failed))
EOF
  count_log "$suite" "$logs/$suite.count"
}

say "packages"
bash third_party/install_packages.sh test || exit 1

say "build"
if ! bazel build "${flags[@]}" //... >"$logs/build" 2>&1; then
  grep -E 'error|ERROR' -A 6 "$logs/build" | head -60
  echo "0 passed, 1 failed"
  exit 1
fi
runsc=$(readlink -f bazel-bin/runsc/runsc)
tail -n 1 "$logs/build"

say "format: clang-format would change nothing"
python3 test/lint.py --format 2>&1 | tee "$logs/format"
count_log format "$logs/format"

bazel_suite unit -- //... -//test/guest/...
bazel_suite guest-native //test/guest/...

say "guest-inside: the same programs in a sandbox, compared with native"
bash test/guest/run_inside.sh "$runsc" 2>&1 | tee "$logs/guest-inside"
count_log guest-inside "$logs/guest-inside"

say "e2e: end-to-end tests"
python3 test/e2e/run.py "$runsc" 2>&1 | tee "$logs/e2e"
count_log e2e "$logs/e2e"

say "hostile: heavy programs, and one that attacks the sandbox"
heavy=(--small)
[ -z "${RUNSC_FULL:-}" ] || heavy=()
python3 test/guest/run_heavy.py "$runsc" "${heavy[@]}" 2>&1 | tee "$logs/hostile"
count_log hostile "$logs/hostile"

for runtime in runc "$runsc"; do
  name=oci-$(basename "$runtime")
  say "$name: the lifecycle of containers, as callers of runc see it"
  RUNTIME=$runtime bash test/oci/run.sh 2>&1 | tee "$logs/$name"
  count_log "$name" "$logs/$name"
done

say "engines: Docker, containerd, Podman, Kubernetes' manifests"
bash test/engines/run.sh "$runsc" 2>&1 | tee "$logs/engines"
count_log engines "$logs/engines"

say "debian: real programs, compared with runc"
bash test/debian/run.sh "$runsc" 2>&1 | tee "$logs/debian"
count_log debian "$logs/debian"

# Last, since it makes bazel-bin the release's.
say "quickstart: the release build, and the README's first command"
bash runsc/quickstart.sh >"$logs/quickstart" 2>&1
if [ $? = 0 ] && grep -q '^hello from runsc, kernel Linux' "$logs/quickstart" && grep -q '^42$' "$logs/quickstart"; then
  count quickstart 1 0
else
  tail -n 30 "$logs/quickstart"
  count quickstart 0 1
fi

# What failed, once more where it is read.
show_failures() {
  local log=$1 lines
  lines=$(grep -nE '^FAIL|^ERROR|: Failure$|\[  FAILED  \]|: native [a-z]+, inside |^DIFFER|^[A-Za-z]*Error: ' "$log" | head -n 40)
  [ -n "$lines" ] || return 0
  say "failures in $(basename "$log")"
  cut -c -400 <<<"$lines"
  # A unit test that died printed nothing about it: how far it came.
  sed -nE 's/^FAIL: .*\(see (.*test\.log)\)$/\1/p' "$log" | while read -r test_log; do tail -n 8 "$test_log"; done
}
for log in "$logs"/*; do show_failures "$log"; done

say "summary"
printf '%s\n' "${summary[@]}"
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ]
