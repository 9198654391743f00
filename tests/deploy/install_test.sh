#!/usr/bin/env bash
# Tests deploy/install.sh with archives whose program is a few lines of shell: from a file, from a server on this machine,
# and with everything that can be wrong. Usage: install_test.sh SOURCE_DIR
set -euo pipefail
source_dir=$1
source "$source_dir/tests/deploy/checks.sh"

installer=$source_dir/deploy/install.sh
name=durable-streams-server
version=$(sed -n 's/^default_version=//p' "$installer")
case "$(uname -m)" in
  x86_64) machine=linux_amd64 ;;
  aarch64) machine=linux_arm64 ;;
  *) echo "there is no archive for this machine"; exit 77 ;;
esac
for tool in curl wget python3; do
  command -v "$tool" >/dev/null || { echo "this needs $tool"; exit 77; }
done

work=$(mktemp -d)
server_pid=
trap '[ -z "$server_pid" ] || kill "$server_pid"; rm -rf "$work"' EXIT

# Makes $work/releases/v$1 with an archive whose program does $2.
publish() {
  local top=${name}_$1_$machine releases=$work/releases/v$1
  rm -rf "${work:?}/tree"
  mkdir -p "$work/tree/$top/bin" "$work/tree/$top/lib/$name" "$releases"
  printf '#!/bin/sh\n%s\n' "$2" >"$work/tree/$top/bin/$name"
  chmod 755 "$work/tree/$top/bin/$name"
  echo "library of $1" >"$work/tree/$top/lib/$name/library-$1"
  tar -czf "$releases/$top.tar.gz" -C "$work/tree" "$top"
  (cd "$releases" && sha256sum "$top.tar.gz" >"${name}_$1_checksums.txt")
}

serve() {
  : >"$work/server.log"
  python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$work/releases" >"$work/server.log" 2>&1 &
  server_pid=$!
  until port=$(sed -nE 's/.* port ([0-9]+) .*/\1/p' "$work/server.log") && [ -n "$port" ]; do
    kill -0 "$server_pid" || { cat "$work/server.log" >&2; exit 1; }
  done
  url=http://127.0.0.1:$port
}

# A directory to install to that nobody has used; the installer makes it.
new_place() {
  place=$(mktemp -d "$work/place.XXXXXX")
  export INSTALL_DIR=$place/bin
}

# A PATH with no more than what an installer may ask for, and the tools that follow.
poor_path() {
  local tools=$work/tools.$RANDOM tool
  mkdir "$tools"
  for tool in sh awk cat chmod cp cut dirname gzip mkdir mktemp mv rm sha256sum tar uname "$@"; do
    ln -s "$(command -v "$tool")" "$tools/$tool"
  done
  echo "$tools"
}

# A PATH before all others, in which `uname $1` says $2.
lying_uname() {
  local tools=$work/lie.$RANDOM
  mkdir "$tools"
  printf '#!/bin/sh\n[ "$1" = %s ] && echo %s || exec %s "$@"\n' "$1" "$2" "$(command -v uname)" >"$tools/uname"
  chmod 755 "$tools/uname"
  echo "$tools:$PATH"
}

installed() {
  [ "$("$INSTALL_DIR/$name" version)" = "$name $1" ] && [ -f "$place/lib/$name/library-$1" ] &&
    [ "$(find "$place" -type f | wc -l)" -eq 2 ]
}

nothing_installed() {
  [ -z "$(find "$place" -type f)" ]
}

install_quietly() {
  sh "$installer" "$@" >"$work/output" 2>&1 || { cat "$work/output" >&2; return 1; }
}

# Each piece of each message in the first table of docs/installing.md whose head begins with "it says".
documented_messages() {
  awk -F ' *[|] *' '$2 == "it says" { inside = 1; getline; next } inside && !NF { exit } inside { print $2 }' \
    "$source_dir/docs/installing.md"
}

documented_as_said() {
  local message piece
  [ "$(documented_messages | wc -l)" -ge 8 ] || return 1
  while read -r message; do
    while read -r piece; do
      grep -qF -- "$piece" "$installer" || { echo "install.sh does not say: $piece" >&2; return 1; }
    done < <(sed 's/\.\.\./\n/g; s/^ *//' <<<"$message" | sed '/^ *$/d')
  done < <(documented_messages)
}

publish "$version" "echo $name $version"
publish 9.9.9 "echo $name 9.9.9"
publish 6.6.6 "echo cannot find a library; exit 127"
publish 5.5.5 "echo $name 5.5.5"
echo "a byte more" >>"$work/releases/v5.5.5/${name}_5.5.5_$machine.tar.gz"
publish 4.4.4 "echo $name 4.4.4"
rm "$work/releases/v4.4.4/${name}_4.4.4_checksums.txt"
file() { echo "$work/releases/v$1/${name}_$1_$machine.tar.gz"; }
serve
unset CHECKSUM RELEASES_URL

check "the default version is the library's" grep -q "kVersion = \"$version\"" \
  "$source_dir/include/durable_streams/version.h"

check "docs/installing.md tells the messages as they are" documented_as_said

new_place
check "a file is installed" install_quietly "$(file 9.9.9)"
check "a file is installed: program and libraries" installed 9.9.9
check "a newer version takes the place of an older" install_quietly "$(file "$version")"
check "a newer version leaves nothing of the older" installed "$version"

new_place
check "a relative INSTALL_DIR is below the working directory" \
  env -C "$place" INSTALL_DIR=bin sh "$installer" "$(file 9.9.9)" >/dev/null
check "a relative INSTALL_DIR holds the program" installed 9.9.9

new_place
check "a URL is installed" install_quietly "$url/v9.9.9/${name}_9.9.9_$machine.tar.gz"
check "a URL is installed: program and libraries" installed 9.9.9

export RELEASES_URL=$url/
for argument in v9.9.9 9.9.9; do
  new_place
  check "version $argument is installed" install_quietly "$argument"
  check "version $argument is the one installed" installed 9.9.9
done
new_place
check "without a version the installer's own is installed" install_quietly
check "without a version it is the default" installed "$version"
new_place
check "piped to sh it takes a version" sh -c "cat '$installer' | sh -s v9.9.9 >/dev/null"
check "piped to sh it installs" installed 9.9.9
new_place
check "the beginning of the script does nothing" sh -c "sed '\$d' '$installer' | sh -s v9.9.9"
check "the beginning of the script installs nothing" nothing_installed
new_place
check "wget will do" env PATH="$(poor_path wget)" sh "$installer" v9.9.9 >/dev/null
check "wget will do: installed" installed 9.9.9

new_place
check "a wrong checksum is refused" refused "the checksum of ${name}_5.5.5_$machine.tar.gz is wrong" sh "$installer" v5.5.5
check "a wrong checksum of a file is refused" refused "nothing was installed" sh "$installer" "$(file 5.5.5)"
check "a wrong CHECKSUM is refused" refused "is wrong" env CHECKSUM=00 sh "$installer" v9.9.9
check "no checksum is refused" refused "cannot download $url/v4.4.4/${name}_4.4.4_checksums.txt" sh "$installer" v4.4.4
check "no checksum of a file is refused" refused "there is no file" sh "$installer" "$(file 4.4.4)"
check "an unknown version is refused" refused "cannot download" sh "$installer" v1.2.3
check "a file that is not there is refused" refused "there is no file" sh "$installer" /nowhere/x.tar.gz
check "what is neither version nor archive is refused" refused "neither a version" sh "$installer" latest
check "two arguments are refused" refused "usage" sh "$installer" v9.9.9 v9.9.9
check "no RELEASES_URL is told" refused "Set RELEASES_URL" env -u RELEASES_URL sh "$installer" v9.9.9
check "another system is refused" refused "this is Darwin" env PATH="$(lying_uname -s Darwin)" sh "$installer" v9.9.9
check "another processor is refused" refused "this is riscv64" env PATH="$(lying_uname -m riscv64)" sh "$installer" v9.9.9
check "neither curl nor wget is told" refused "neither curl nor wget" env PATH="$(poor_path)" sh "$installer" v9.9.9
check "a program that does not start is refused" refused "cannot find a library" sh "$installer" v6.6.6
check "what was refused installed nothing" nothing_installed
touch "$place/plain-file"
check "a directory that cannot be written is told" refused "set INSTALL_DIR" \
  env INSTALL_DIR="$place/plain-file/bin" sh "$installer" v9.9.9

new_place
check "CHECKSUM takes the place of the file of checksums" \
  env CHECKSUM="$(sha256sum "$(file 4.4.4)" | cut -d ' ' -f 1)" sh "$installer" "$(file 4.4.4)" >/dev/null
check "CHECKSUM takes the place: installed" installed 4.4.4

finish installer
