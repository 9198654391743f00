#!/usr/bin/env bash
# Tests that the configurations in deploy/ are right, formatted, and right in the ways that they say one may change
# them. Usage: caddyfile_test.sh SERVER SOURCE_DIR
set -euo pipefail
server=$1
source_dir=$2
source "$source_dir/tests/deploy/checks.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
caddyfile=$source_dir/deploy/Caddyfile

valid() {
  local output
  output=$("$server" validate --config "$1" 2>&1) || { echo "$output" >&2; return 1; }
}

formatted() {
  "$server" fmt "$1" | diff "$1" -
}

adapted_has() {
  local text=$1
  shift
  env "$@" "$server" adapt --config "$caddyfile" | grep -qF "$text"
}

# The Caddyfile with all that stands in comments as examples: directives there begin behind "# " and tabs, prose does
# not.
with_examples() {
  sed -E 's/^(\t+)# (trusted_proxies |authorize \{$|\ttokens |\tanonymous |\trate |\tanonymous_rate |\}$)/\1\2/' "$caddyfile"
}

# The ConfigMap's file: what is indented below `Caddyfile: |`.
kubernetes_caddyfile() {
  awk '/^  Caddyfile: \|$/ { inside = 1; next } inside && /^---$/ { exit } inside { sub(/^    /, ""); print }' \
    "$source_dir/deploy/kubernetes/durable-streams.yaml"
}

unset DURABLE_STREAMS_LISTEN DURABLE_STREAMS_ADMIN DURABLE_STREAMS_DATA_DIR
check "the Caddyfile is valid" valid "$caddyfile"
check "the Caddyfile is formatted" formatted "$caddyfile"
check "the Caddyfile listens for this machine alone" adapted_has '"listen":["localhost:4437"]' LC_ALL=C
check "the Caddyfile keeps streams on the disk" adapted_has '"data_dir":"/var/lib/durable-streams/data"' LC_ALL=C
check "DURABLE_STREAMS_LISTEN says where it listens" adapted_has '"listen":[":80"]' DURABLE_STREAMS_LISTEN=:80
check "DURABLE_STREAMS_DATA_DIR says where streams are" adapted_has '"data_dir":"/srv/x"' DURABLE_STREAMS_DATA_DIR=/srv/x
check "DURABLE_STREAMS_ADMIN says where it is asked" adapted_has '"listen":"[::1]:9"' DURABLE_STREAMS_ADMIN=[::1]:9

with_examples >"$work/Caddyfile"
check "the Caddyfile has examples in comments" test "$(diff "$caddyfile" "$work/Caddyfile" | grep -c '^>')" -eq 7
check "the examples in comments are formatted" formatted "$work/Caddyfile"
"$server" token --name app --rights all 2>/dev/null >"$work/tokens"
sed -i "s#/etc/durable-streams/tokens#$work/tokens#" "$work/Caddyfile"
check "the examples in comments are valid" valid "$work/Caddyfile"

kubernetes_caddyfile >"$work/Caddyfile"
check "the ConfigMap has a Caddyfile" test -s "$work/Caddyfile"
check "the ConfigMap's Caddyfile is valid" valid "$work/Caddyfile"
check "the ConfigMap's Caddyfile is formatted" formatted "$work/Caddyfile"
finish caddyfile
