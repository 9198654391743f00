#!/usr/bin/env bash
# Tests that what `cmake --install` brings is what others need: consumer.cc is built with find_package, with pkg-config
# and with add_subdirectory, over a static and a shared library, and the server runs from where it was installed.
# Usage: install_test.sh SOURCE_DIR, whose presets `release` and `shared` are built.
set -euo pipefail
source_dir=$1
source "$source_dir/tests/deploy/checks.sh"

here=$source_dir/tests/install
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^default_version=//p' "$source_dir/deploy/install.sh")

quietly() {
  "$@" >"$work/output" 2>&1 || { tail -n 40 "$work/output" >&2; return 1; }
}

consumed() {
  local data
  data=$(mktemp -d "$work/data.XXXXXX")
  [ "$("$@" "$data")" = "consumed $version" ]
}

# Builds the consumer in $work/$1, configured by what follows.
build_consumer() {
  local place=$work/$1
  shift
  quietly cmake -S "$here" -B "$place" -G Ninja "$@" && quietly cmake --build "$place" --target consumer
}

# The public headers name no other library's, so neither do the flags of a program that has them shared.
build_with_pkg_config() {
  local prefix=$1 out=$2
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
  # shellcheck disable=SC2046
  quietly c++ -std=c++20 "$here/consumer.cc" -o "$out" $(pkg-config --cflags --libs durable_streams_uv) -luv
}

installed_files() {
  (cd "$1" && find . -type f -o -type l | sort)
}

only_below() {
  local prefix=$1 pattern=$2 others
  others=$(installed_files "$prefix" | grep -vE "$pattern") || return 0
  echo "$others" >&2
  return 1
}

for kind in release shared; do
  prefix=$work/$kind
  build=$source_dir/build/$kind
  check "$kind: the library is installed" quietly cmake --install "$build" --prefix "$prefix" --component development
  check "$kind: nothing else came along" only_below "$prefix" '^\./(include/durable_streams|lib/(lib|cmake|pkgconfig))'
  check "$kind: all public headers are there" \
    diff -r "$source_dir/include/durable_streams" "$prefix/include/durable_streams"
  if [ "$kind" = shared ]; then
    check "shared: the shared libraries are installed" \
      quietly cmake --install "$build" --prefix "$prefix" --component library
  fi
  check "$kind: no path of where it was built" test -z "$(grep -rlF "$source_dir" "$prefix/lib/cmake" "$prefix/lib/pkgconfig")"
  # Wherever it is moved to, it is found.
  mv "$prefix" "$prefix-moved"
  prefix=$prefix-moved
  check "$kind: find_package finds it" build_consumer "consumer-$kind" -DCMAKE_PREFIX_PATH="$prefix"
  check "$kind: what find_package found works" consumed "$work/consumer-$kind/consumer"
  check "$kind: pkg-config finds it" build_with_pkg_config "$prefix" "$work/with-pkg-config"
  check "$kind: what pkg-config found works" consumed env LD_LIBRARY_PATH="$prefix/lib" "$work/with-pkg-config"
done

check "add_subdirectory builds it" build_consumer consumer-subdirectory -DDURABLE_STREAMS_SOURCE="$source_dir"
check "what add_subdirectory built works" consumed "$work/consumer-subdirectory/consumer"

prefix=$work/server
check "the server is installed" quietly cmake --install "$source_dir/build/release" --prefix "$prefix" --component server
check "the server comes without libraries" only_below "$prefix" \
  '^\./(bin/durable-streams-server|lib/systemd/system/durable-streams\.service|share/)'
check "the server runs from there" test "$("$prefix/bin/durable-streams-server" version)" = "durable-streams-server $version"
check "bash's completion is there" bash -c "source '$prefix/share/bash-completion/completions/durable-streams-server' &&
  complete -p durable-streams-server >/dev/null"
check "zsh's completion says whose it is" \
  grep -q '^#compdef durable-streams-server' "$prefix/share/zsh/site-functions/_durable-streams-server"
check "fish's completion is there" grep -q reload "$prefix/share/fish/vendor_completions.d/durable-streams-server.fish"
check "the installed Caddyfile is valid" quietly "$prefix/bin/durable-streams-server" validate \
  --config "$prefix/share/doc/durable-streams-server/examples/Caddyfile"
finish install
