#!/usr/bin/env bash
# Tests that whatever the server writes is its owner's alone, also where the umask would let everybody in, and that a
# token file that others can read or write is told of. Usage: permissions_test.sh SERVER SOURCE_DIR
set -euo pipefail
server=$1
source_dir=$2
source "$source_dir/tests/deploy/checks.sh"
command -v curl >/dev/null || { echo "this needs curl"; exit 77; }

work=$(mktemp -d)
server_pid=
trap '[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true; rm -rf "$work"' EXIT
umask 000
data=$work/data

write_caddyfile() {
  "$server" token --name app --rights all 2>"$work/token" >"$work/tokens"
  chmod 666 "$work/tokens"
  cat >"$work/Caddyfile" <<END
{
	admin off
}
http://localhost:$port {
	authorize {
		tokens $work/tokens
	}
	durable_streams /v1/stream/* {
		data_dir $data
		settle_interval 10ms
	}
}
END
}

start() {
  port=$("$source_dir/scripts/free-port")
  write_caddyfile
  (umask 022 && chmod go-w "$work/Caddyfile")
  "$server" run --config "$work/Caddyfile" 2>"$work/log" &
  server_pid=$!
  until "$server" health --config "$work/Caddyfile" >/dev/null 2>&1; do
    kill -0 "$server_pid" || { cat "$work/log" >&2; exit 1; }
  done
}

ask() {
  curl -sf -H "Authorization: Bearer $(grep -o 'ds_[^ ]*' "$work/token")" -H 'Content-Type: text/plain' "$@" \
    "http://localhost:$port/v1/stream/a"
}

has_pack() {
  compgen -G "$data/packs/*" >/dev/null
}

# Each directory below $1 is 0700, and each file and socket 0600.
owners_alone() {
  local others
  others=$(find "$1" \( -type d ! -perm 0700 \) -o \( ! -type d ! -perm 0600 \))
  [ -z "$others" ] || { ls -ld $others >&2; return 1; }
}

start
check "a stream is made" ask -X PUT
check "a stream is appended to" ask -X POST -d "some bytes"
check "the socket is there" test -S "$data/control.sock"
check "a backup is made" "$server" backup --data-dir "$data" --to "$work/copy"
check "the backup has packs" has_pack
check "all in the data directory is its owner's alone" owners_alone "$data"
check "all in the backup is its owner's alone" owners_alone "$work/copy"
check "a token file that others can write is told of" grep -q "others than its owner can write it" "$work/log"
kill "$server_pid" && wait "$server_pid"
server_pid=
check "what a stop leaves is its owner's alone" owners_alone "$data"
finish permissions
