#!/usr/bin/env bash
# Runs on a machine of its own that systemd has booted, with the Debian package installed: tests that the service does
# under its sandbox all that it does without one. service_test.sh boots that machine.
set -uo pipefail
source "$(dirname "$0")/checks.sh"

unit=durable-streams.service
caddyfile=/etc/durable-streams/Caddyfile
state=/var/lib/durable-streams
drop_in=/etc/systemd/system/$unit.d/ports.conf

property() {
  systemctl show --property="$1" --value "$unit"
}

status_of() {
  sed -n "s/^$1:[[:space:]]*//p" "/proc/$(property MainPID)/status"
}

as_service() {
  runuser -u durable-streams -- "$@"
}

journal() {
  journalctl --quiet --no-pager --unit "$unit"
}

journal_has() {
  grep -qE "$1" <<<"$(journal)"
}

owners_alone() {
  [ -z "$(find "$1" \( -type d ! -perm 0700 \) -o \( ! -type d ! -perm 0600 \) -o ! -user durable-streams)" ]
}

# $1 of them, or as many as this machine's container lets anybody have.
has_descriptors() {
  local hard own
  hard=$(awk '/^Max open files/ { print $5 }' /proc/1/limits)
  own=$(awk '/^Max open files/ { print $4 }' "/proc/$(property MainPID)/limits")
  [ "$own" -eq "$1" ] || { [ "$hard" -lt "$1" ] && [ "$own" -eq "$hard" ]; }
}

is_another_process() {
  [ "$(property ActiveState)" = active ] && [ "$(property MainPID)" -ne "$1" ]
}

# Adds a response to the configuration's site.
respond() {
  sed -i "s|^\troute /v1/stream|\trespond $1 \"$2\" 200\n\n&|" "$caddyfile"
}

check "the package starts nothing by itself" test "$(systemctl is-enabled "$unit")" = disabled
check "it starts, and says when it is ready" systemctl start "$unit"
check "it serves once it is started: create" answers "HTTP/1.1 201" 4437 PUT /v1/stream/a
check "it serves once it is started: append" answers "HTTP/1.1 204" 4437 POST /v1/stream/a "kept by systemd"
check "it serves once it is started: read" answers "kept by systemd" 4437 GET "/v1/stream/a?offset=-1"

check "it runs as a user of its own" test "$(stat -c %U "/proc/$(property MainPID)")" = durable-streams
check "it has no capability" test "$(status_of CapBnd)$(status_of CapEff)$(status_of CapAmb)" = "$(printf '%048d' 0)"
check "it can have no new privilege" test "$(status_of NoNewPrivs)" = 1
check "its system calls are filtered" test "$(status_of Seccomp)" = 2
check "it may have many descriptors" has_descriptors 131072
check "its data directory is its own alone" owners_alone "$state"
check "its control socket is there" test -S "$state/data/control.sock"
check "metrics are told" answers "durable_streams_" 2019 GET /metrics
check "metrics of the process are told" answers "process_start_time_seconds 1" 2019 GET /metrics
check "it is healthy" as_service durable-streams-server health --config "$caddyfile"
check "its owner backs it up" as_service durable-streams-server backup --data-dir "$state/data" --to "$state/backup"
check "the backup is its owner's alone" owners_alone "$state/backup"
check "the backup is whole" as_service durable-streams-server fsck --data-dir "$state/backup"

pid=$(property MainPID)
respond /hello "hello again"
check "a reload is taken" systemctl reload "$unit"
check "a reload is applied" within 20 answers "hello again" 4437 GET /hello
check "a reload keeps the process" test "$(property MainPID)" = "$pid"
cp "$caddyfile" /root/right
echo "no such directive" >>"$caddyfile"
check "a wrong configuration fails the reload" refused "failed" systemctl reload "$unit"
check "a wrong configuration is told in the journal" within 20 journal_has "$caddyfile:[0-9]*:[0-9]*: "
check "a wrong configuration leaves it running" test "$(property MainPID)" = "$pid"
check "a wrong configuration leaves the old one" answers "hello again" 4437 GET /hello
cp /root/right "$caddyfile"

check "a restart is clean" systemctl restart "$unit"
check "a restart keeps streams" answers "kept by systemd" 4437 GET "/v1/stream/a?offset=-1"
pid=$(property MainPID)
kill -KILL "$pid"
check "killed it is started again" within 20 is_another_process "$pid"
check "killed it keeps streams" within 20 answers "kept by systemd" 4437 GET "/v1/stream/a?offset=-1"
check "it stops" systemctl stop "$unit"
check "a stop is a success" test "$(property Result)$(property ExecMainStatus)" = success0
check "nothing was denied to it" refused "" journal_has "not permitted|denied"

mkdir -p "${drop_in%/*}"
awk '/^#   \[Service\]$/ { inside = 1 } inside && !/^#/ { exit } inside { sub(/^#   /, ""); print }' \
  "/usr/lib/systemd/system/$unit" >"$drop_in"
mkdir -p /srv/streams /srv/backups
chown durable-streams: /srv/streams /srv/backups
echo "DURABLE_STREAMS_LISTEN=:80" >/etc/durable-streams/environment
echo "DURABLE_STREAMS_DATA_DIR=/srv/streams/data" >>/etc/durable-streams/environment
systemctl daemon-reload
check "with the unit's example it starts" systemctl start "$unit"
check "with the unit's example it has port 80" answers "HTTP/1.1 201" 80 PUT /v1/stream/b
check "with the unit's example it has data elsewhere" test -d /srv/streams/data
check "with the unit's example it has that one capability" test "$(status_of CapEff)" = 0000000000000400

pid=$(property MainPID)
check "the package is installed again over itself" dpkg --install /root/durable-streams-server_*.deb
check "an upgrade starts the server anew" is_another_process "$pid"
check "an upgrade keeps the configuration" answers "hello again" 80 GET /hello

# What the Caddy plugin's documentation has, to the letter: unit, Caddyfile, commands, and the remedy for too few
# descriptors.
systemctl stop "$unit"
rm "$drop_in"
cp /root/seed/durable-streams.service "/etc/systemd/system/$unit"
cp /root/seed/production.caddyfile "$caddyfile"
cp /root/seed/limit.conf "$drop_in"
ln -s /usr/bin/durable-streams-server /usr/local/bin
systemctl daemon-reload
check "the plugin's unit is enabled" systemctl --quiet enable durable-streams
check "the plugin's unit is started" systemctl start durable-streams
check "the plugin's unit serves" within 20 answers "HTTP/1.1 201" 4437 PUT /v1/stream/seed
check "the plugin's ./data is in the working directory" answers "kept by systemd" 4437 GET "/v1/stream/a?offset=-1"
check "the plugin's limit holds" has_descriptors 4096
check "the plugin's unit stops" systemctl stop durable-streams
rm "/etc/systemd/system/$unit" "$drop_in" /usr/local/bin/durable-streams-server
cp /root/right "$caddyfile"
systemctl daemon-reload

check "enabled it starts" systemctl --quiet enable --now "$unit"
check "the package is removed" dpkg --remove durable-streams-server
check "removed it is stopped" refused inactive systemctl is-active "$unit"
check "the package is purged" dpkg --purge durable-streams-server
check "purged its configuration is gone" test ! -e "$caddyfile"
check "purged its streams are left" test -d "$state/data"
finish service
[ "$failed" -eq 0 ] || { journal | tail -n 40; systemctl status --no-pager "$unit"; }
