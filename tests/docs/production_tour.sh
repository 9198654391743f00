#!/usr/bin/env bash
# Types what the README shows of a server in production, with ports of its own. Every command must succeed.
set -euo pipefail
server=$1
readme=$2
free_port=$3
work=$(mktemp -d)
trap 'kill "${server_pid:-}" 2>/dev/null || true; wait || true; rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$server" "$work/bin/durable-streams-server"
PATH=$work/bin:$PATH
port=$("$free_port")
admin=$("$free_port")
cd "$work"

{
  printf '{\n\tadmin localhost:%s\n}\n\n' "$admin"
  awk '/^```caddyfile$/ {seen = 1; next} seen && /^```$/ {exit} seen {print}' "$readme" | sed "s/:4437/:$port/"
} >Caddyfile
awk '/<!-- test: production -->/ {seen = 1} seen && /^```$/ {exit} seen && /^[^`<]/ {print}' "$readme" |
  sed "s/localhost:2019/localhost:$admin/" >tour

fail() { echo "$1" >&2; cat "$work/log" >&2 || true; exit 1; }

lines=0
while IFS= read -r line; do
  lines=$((lines + 1))
  case "$line" in
    *' run '*)
      eval "exec ${line%%#*}" >log 2>&1 </dev/null &
      server_pid=$!
      for _ in $(seq 100); do grep -q 'serving streams' log && break; sleep 0.1; done ;;
    *) eval "$line" >answer 2>&1 </dev/null || { cat answer; fail "failed: $line"; } ;;
  esac
done <tour
[ "$lines" -ge 8 ] || fail "only $lines commands found"
wait "$server_pid" || fail "the server did not end well"
durable-streams-server fsck --data-dir copy
