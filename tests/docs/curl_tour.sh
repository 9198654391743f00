#!/usr/bin/env bash
# Runs the README's curl tour, line by line, against a server of its own. Every answer must be a success, and what the two
# live reads bring must be what was appended.
set -euo pipefail
server=$1
readme=$2
work=$(mktemp -d)
"$server" dev --listen 127.0.0.1:0 --long-poll-timeout 5s >"$work/server.log" 2>&1 &
server_pid=$!
trap 'kill "$server_pid" 2>/dev/null || true; wait || true; rm -rf "$work"' EXIT

for _ in $(seq 100); do
  address=$(grep -oE 'http://[^ ]+:[0-9]+' "$work/server.log" | head -n 1) && [ -n "$address" ] && break
  sleep 0.1
done
[ -n "$address" ] || { cat "$work/server.log"; exit 1; }

awk '/<!-- test: curl-tour -->/ {seen = 1} seen && /^```$/ {exit} seen && /^ *[^`<]/ {print}' "$readme" |
  sed -e ':join' -e '/\\$/ {N; s/\\\n *//; b join' -e '}' | grep '^curl' |
  sed "s|http://localhost:4437|$address|g" >"$work/tour"

# How many connections the server holds.
connections() {
  local port
  port=$(printf ':%04X' "${address##*:}")
  cat /proc/net/tcp | awk -v port="$port" '$2 ~ port "$" && $4 == "01"' | wc -l
}

fail() { echo "$1" >&2; exit 1; }

lines=0
while IFS= read -r line; do
  lines=$((lines + 1))
  case "$line" in
    *live=*)
      held=$(connections)
      eval "timeout 10 $line" >"$work/live.$lines" 2>/dev/null </dev/null &
      for _ in $(seq 100); do [ "$(connections)" -gt "$held" ] && break; sleep 0.05; done ;;
    *)
      eval "$line" >"$work/answer" 2>/dev/null </dev/null || fail "failed: $line"
      head -n 1 "$work/answer" | grep -qE '^HTTP/1.1 20[0-4] ' || { cat "$work/answer"; fail "refused: $line"; } ;;
  esac
done <"$work/tour"
[ "$lines" -ge 10 ] || fail "only $lines commands found in the tour"

for _ in $(seq 40); do
  if grep -qs 'streamClosed' "$work"/live.*; then break; fi
  sleep 0.1
done
grep -qs '^!' <(tail -n 1 "$work"/live.6 | tr -d '\r') || fail "the long-poll did not bring the append"
grep -q 'hello world' "$work"/live.7 || fail "the events did not bring what was there"
grep -q 'streamClosed' "$work"/live.7 || fail "the events did not bring the end"
echo "$lines commands of the tour answered as they should"
