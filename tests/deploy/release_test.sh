#!/usr/bin/env bash
# Tests what scripts/release refuses, in a clone: whatever is not a clean tree with the tag of its own version. That it
# makes a release of one, scripts/packages tests. Usage: release_test.sh SOURCE_DIR
set -euo pipefail
source_dir=$1
source "$source_dir/tests/deploy/checks.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clone=$work/clone
git clone --quiet --depth 1 "file://$source_dir" "$clone" 2>"$work/why" || { cat "$work/why"; exit 77; }
# What is tried is the script as it is here, committed or not.
cp "$source_dir/scripts/release" "$clone/scripts/release"
cp "$source_dir"/{CHANGELOG.md,deploy/install.sh} "$work"
version=$(sed -n 's/^default_version=//p' "$work/install.sh")

in_clone() {
  git -C "$clone" -c user.name=test -c user.email=test@localhost "$@"
}

# Commits what is in the clone, and gives it the version's tag.
commit_and_tag() {
  in_clone add --all
  in_clone commit --quiet --allow-empty --message "$1"
  in_clone tag --force "v$version" >/dev/null
}

cp "$work/CHANGELOG.md" "$clone/CHANGELOG.md"
cp "$work/install.sh" "$clone/deploy/install.sh"
commit_and_tag "What is here"
check "another version is refused" refused "version.h says $version, not 9.9.9" "$clone/scripts/release" 9.9.9
check "two versions are refused" refused "usage" "$clone/scripts/release" "$version" "$version"

touch "$clone/left-over"
check "a tree that is not clean is refused" refused "not committed" "$clone/scripts/release"
rm "$clone/left-over"
echo >>"$clone/README.md"
check "a changed file is refused" refused "not committed" "$clone/scripts/release" "v$version"
in_clone commit --quiet --all --message "After the tag"
check "a commit after the tag is refused" refused "does not carry the tag v$version" "$clone/scripts/release"
in_clone tag --delete "v$version" >/dev/null
check "no tag is refused" refused "does not carry the tag v$version" "$clone/scripts/release"

sed -i "s/^## $version\$/## unreleased/" "$clone/CHANGELOG.md"
commit_and_tag "No entry"
check "no entry in the changelog is refused" refused "no entry '## $version'" "$clone/scripts/release"
cp "$work/CHANGELOG.md" "$clone/CHANGELOG.md"
sed -i 's/^default_version=.*/default_version=0.0.1/' "$clone/deploy/install.sh"
commit_and_tag "Another installer"
check "an installer of another version is refused" refused "installs another version" "$clone/scripts/release"
finish release
