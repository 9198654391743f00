#!/usr/bin/env bash
# Tests that the archive is all that a bare Debian needs: unpacked there it serves streams, and the installer installs it.
# Usage: archive_test.sh SOURCE_DIR DIST_DIR TREE, as root; TREE is a bare Debian that this may write to.
set -euo pipefail
source_dir=$1
dist=$2
tree=$3
source "$source_dir/tests/deploy/checks.sh"

name=durable-streams-server
version=$(sed -n 's/^default_version=//p' "$source_dir/deploy/install.sh")
in_tree=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$tree")
server_pid=

clean_up() {
  [ -z "$server_pid" ] || kill -KILL "$server_pid" || true
  umount "$tree/proc"
}
# The loader finds libraries beside a program by /proc/self/exe.
mount -t proc proc "$tree/proc"
trap clean_up EXIT

# What it takes that is neither the C library's nor its own is told.
needs_the_c_library_alone() {
  local libraries others
  libraries=$("${in_tree[@]}" ldd "$1") || return 1
  others=$(grep -vE "/lib/$name/|linux-vdso|ld-linux|/lib(c|m|dl|rt|pthread)\.so" <<<"$libraries") || return 0
  echo "$others" >&2
  return 1
}

start() {
  port=$("$source_dir/scripts/free-port")
  "${in_tree[@]}" "$@" --listen "127.0.0.1:$port" >"$tree/root/server.log" 2>&1 &
  server_pid=$!
  within 20 answers HTTP/1.1 "$port" GET / || { cat "$tree/root/server.log" >&2; return 1; }
}

stop() {
  kill "$server_pid"
  wait "$server_pid"
  server_pid=
}

# Starts the program with what is given, and creates, appends and reads.
serves() {
  start "$@" &&
    answers "HTTP/1.1 201" "$port" PUT /v1/stream/bare &&
    answers "HTTP/1.1 204" "$port" POST /v1/stream/bare "hello from the archive" &&
    answers "hello from the archive" "$port" GET "/v1/stream/bare?offset=-1" &&
    stop
}

still_there() {
  start "$@" && answers "hello from the archive" "$port" GET "/v1/stream/bare?offset=-1" && stop
}

mkdir -p "$tree/root/dist"
cp "$dist"/* "$tree/root/dist"
check "the archive is unpacked" "${in_tree[@]}" sh -c "cd /root && tar -xzf dist/${name}_*_linux_*.tar.gz && mv ${name}_*/ $name"
program=/root/$name/bin/$name
check "it needs nothing but the C library" needs_the_c_library_alone "$program"
check "it tells its version" test "$("${in_tree[@]}" "$program" version)" = "$name $version"
check "it serves streams in memory" serves "$program" dev
check "it serves streams on the disk" serves "$program" dev --data-dir /root/data
check "what it kept is there again" still_there "$program" dev --data-dir /root/data
check "the checksums are right" "${in_tree[@]}" sh -c "cd /root/dist && sha256sum --check --quiet *_checksums.txt"
check "the installer installs" "${in_tree[@]}" sh -c "cd /root/dist && sh install.sh ${name}_*.tar.gz"
check "what it installed is in PATH" test "$("${in_tree[@]}" sh -c "PATH=/usr/local/bin:\$PATH $name version")" = "$name $version"
check "what it installed serves" serves /usr/local/bin/$name dev
finish archive
