#!/usr/bin/env bash
# Tests the systemd unit as far as that goes without starting it: it is right, exposes little, and its limits fit the
# server's defaults. Usage: unit_test.sh SERVER SOURCE_DIR
set -euo pipefail
server=$1
source_dir=$2
source "$source_dir/tests/deploy/checks.sh"
command -v systemd-analyze >/dev/null || { echo "this needs systemd-analyze"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unit=$source_dir/deploy/durable-streams.service

# systemd looks for the program where this machine may not have it.
verifiable() {
  sed -E "s#^(Exec[A-Za-z]+=)durable-streams-server #\1$server #" "$1"
}

verify() {
  local output
  output=$(systemd-analyze verify --man=no "$1" 2>&1) || { echo "$output" >&2; return 1; }
  [ -z "$output" ] || { echo "$output" >&2; return 1; }
}

# As a tenth, so that the shell can compare: 14 is 1.4.
exposure() {
  systemd-analyze security --offline=true --no-pager "$1" | sed -nE 's/.*exposure level for [^:]*: ([0-9]+)\.([0-9]).*/\1\2/p'
}

# The example in the unit's opening comment, as the administrator's own file would say it.
example() {
  awk '/^#   \[Service\]$/ { inside = 1 } inside && !/^#/ { exit } inside { sub(/^#   /, ""); print }' "$unit"
}

value() {
  sed -n "s/^$1=//p" "$unit"
}

verifiable "$unit" >"$work/durable-streams.service"
check "the unit is right" verify "$work/durable-streams.service"
check "the unit exposes little" test "$(exposure "$work/durable-streams.service")" -le 20
check "it may have as many descriptors as connections" test "$(value LimitNOFILE)" -gt 65536
check "it is given longer to stop than it takes" test "$(value TimeoutStopSec)" = 90s

mkdir "$work/changed"
{ cat "$work/durable-streams.service"; example; } >"$work/changed/durable-streams.service"
check "the example has ports below 1024" grep -q '^AmbientCapabilities=CAP_NET_BIND_SERVICE' \
  "$work/changed/durable-streams.service"
check "the example is right" verify "$work/changed/durable-streams.service"
check "the example exposes little" test "$(exposure "$work/changed/durable-streams.service")" -le 25
finish unit
