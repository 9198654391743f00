#!/bin/sh
# Installs durable-streams-server from a release's archive, after comparing its SHA-256.
#
#   install.sh                           version 0.1.0 from $RELEASES_URL
#   install.sh v0.1.0                    that version from $RELEASES_URL
#   install.sh ./durable-streams-server_0.1.0_linux_amd64.tar.gz
#   install.sh https://example.com/durable-streams-server_0.1.0_linux_amd64.tar.gz
#
# INSTALL_DIR    where the program goes: /usr/local/bin. The libraries it comes with go to
#                ../lib/durable-streams-server from there.
# RELEASES_URL   where releases are: archives are looked for in $RELEASES_URL/v0.1.0/.
# CHECKSUM       the archive's SHA-256. Without it, it is taken from durable-streams-server_0.1.0_checksums.txt beside
#                the archive.
set -eu

name=durable-streams-server
default_version=0.1.0

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

machine() {
  system=$(uname -s)
  [ "$system" = Linux ] || fail "there are archives for Linux alone, and this is $system: build from source (docs/installing.md)"
  processor=$(uname -m)
  case "$processor" in
    x86_64 | amd64) echo linux_amd64 ;;
    aarch64 | arm64) echo linux_arm64 ;;
    *) fail "there are archives for amd64 and arm64, and this is $processor: build from source (docs/installing.md)" ;;
  esac
}

# Sets `archive` to the file or URL that the argument means.
find_archive() {
  case "$1" in
    *.tar.gz) archive=$1 ;;
    [0-9]* | v[0-9]*)
      version=${1#v}
      [ -n "${RELEASES_URL:-}" ] ||
        fail "where is version $version? Set RELEASES_URL, or name an archive's file or URL"
      archive=${RELEASES_URL%/}/v$version/${name}_${version}_$machine.tar.gz
      ;;
    *) fail "'$1' is neither a version (v$default_version) nor an archive (*.tar.gz)" ;;
  esac
}

is_url() {
  case "$1" in
    http://* | https://*) true ;;
    *) false ;;
  esac
}

# Brings the file or URL $1 to the file $2.
bring() {
  if ! is_url "$1"; then
    cp "$1" "$2" 2>/dev/null || fail "there is no file $1 that can be read"
  elif has curl; then
    curl -fsSL --retry 3 -o "$2" "$1" || fail "cannot download $1"
  elif has wget; then
    wget -q -O "$2" "$1" || fail "cannot download $1"
  else
    fail "neither curl nor wget is here to download $1: install one, or download it elsewhere and name the file"
  fi
}

sha256() {
  if has sha256sum; then sha256sum "$1" | cut -d ' ' -f 1
  elif has shasum; then shasum -a 256 "$1" | cut -d ' ' -f 1
  elif has openssl; then openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
  else fail "neither sha256sum, shasum nor openssl is here to compare the checksum"
  fi
}

# Ends the program unless the archive in $1 is the one that was published.
compare_checksum() {
  file=${archive##*/}
  expected=${CHECKSUM:-}
  if [ -z "$expected" ]; then
    sums=${file%_linux_*}_checksums.txt
    case "$archive" in
      */*) sums=${archive%/*}/$sums ;;
    esac
    bring "$sums" "$work/checksums"
    expected=$(awk -v file="$file" '$2 == file || $2 == "*" file { print $1; exit }' "$work/checksums")
    [ -n "$expected" ] || fail "$sums does not tell the checksum of $file"
  fi
  actual=$(sha256 "$1")
  [ "$actual" = "$expected" ] ||
    fail "the checksum of $file is wrong, nothing was installed: expected $expected, got $actual"
}

check_writable() {
  mkdir -p "$bin" "$lib" 2>/dev/null || true
  for directory in "$bin" "$lib"; do
    if [ ! -d "$directory" ] || [ ! -w "$directory" ]; then
      fail "$directory cannot be written: run this as root, or set INSTALL_DIR to a directory of yours, such as ~/.local/bin"
    fi
  done
}

# Puts what was unpacked in its place. A server that runs keeps the files it has: names change, not contents.
place() {
  rm -rf "$lib/$name.new" "$lib/$name.old"
  cp -R "$work/unpacked/lib/$name" "$lib/$name.new"
  cp "$work/unpacked/bin/$name" "$bin/$name.new"
  chmod 755 "$lib/$name.new" "$bin/$name.new"
  if [ -d "$lib/$name" ]; then mv "$lib/$name" "$lib/$name.old"; fi
  mv "$lib/$name.new" "$lib/$name"
  mv -f "$bin/$name.new" "$bin/$name"
  rm -rf "$lib/$name.old"
}

# All that is done stands in here, so that half a script that was downloaded does nothing.
main() {
  [ $# -le 1 ] || fail "usage: install.sh [VERSION | FILE | URL]"
  machine=$(machine)
  find_archive "${1:-$default_version}"
  bin=${INSTALL_DIR:-/usr/local/bin}
  case "$bin" in
    /*) ;;
    *) bin=$(pwd)/$bin ;;
  esac
  lib=${bin%/*}/lib
  umask 022

  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  bring "$archive" "$work/archive"
  compare_checksum "$work/archive"
  mkdir "$work/unpacked"
  tar -xzf "$work/archive" -C "$work/unpacked" --strip-components=1 --no-same-owner ||
    fail "$archive cannot be unpacked"
  version=$("$work/unpacked/bin/$name" version 2>&1) ||
    fail "the program does not start here, nothing was installed: $version"
  check_writable
  place

  echo "installed $version in $bin"
  case ":$PATH:" in
    *":$bin:"*) ;;
    *) echo "$bin is not in PATH" ;;
  esac
  echo "'$name dev' starts a server for development"
}

main "$@"
