#!/usr/bin/env bash
# Tests the Debian package and its unit on a machine that systemd boots in a container: service_check.sh says what.
# Usage: service_test.sh SOURCE_DIR DIST_DIR TREE, as root; TREE is a bare Debian that this may write to.
set -euo pipefail
source_dir=$1
dist=$2
tree=$3

# Packages are installed without anything being started, and say nothing unless they fail.
apt_in_tree() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive chroot "$tree" \
    apt-get -qq -o Acquire::Retries=3 "$@" >"$tree/root/apt.log" 2>&1 || { cat "$tree/root/apt.log" >&2; return 1; }
}

apt_in_tree update
apt_in_tree install --yes --no-install-recommends systemd systemd-sysv
cp "$dist"/*.deb "$tree/root"
apt_in_tree install --yes --no-install-recommends "/root/$(basename "$dist"/*.deb)"

cp "$source_dir"/tests/deploy/{checks,service_check}.sh "$tree/root"
cp -R "$source_dir/tests/deploy/seed" "$tree/root/seed"
cp "$source_dir/tests/server/config/seed/production.caddyfile" "$tree/root/seed"
# Booting ends with the check, and the check with powering off.
cat >"$tree/etc/systemd/system/check.service" <<'END'
[Unit]
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
ExecStart=/bin/bash /root/service_check.sh
StandardOutput=file:/root/check.log
StandardError=inherit
TimeoutStartSec=120
END
mkdir -p "$tree/etc/systemd/system/multi-user.target.wants"
ln -s ../check.service "$tree/etc/systemd/system/multi-user.target.wants"
timeout --kill-after=10 180 systemd-nspawn --quiet --directory="$tree" --boot --register=no --keep-unit --private-network \
  --console=pipe >"$tree/root/boot.log" 2>&1 </dev/null || true
if ! [ -s "$tree/root/check.log" ]; then
  echo "the machine did not boot:"
  tail -n 40 "$tree/root/boot.log"
  exit 1
fi
cat "$tree/root/check.log"
grep -q '^service: [0-9]* passed, 0 failed$' "$tree/root/check.log"
