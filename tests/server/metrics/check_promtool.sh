#!/usr/bin/env bash
# Prometheus's own tool accepts the metrics' text, the alerts and what the dashboard asks for:
# check_promtool.sh PRINT_METRICS TREE
set -euo pipefail

print_metrics=$1
tree=$2
promtool=${PROMTOOL:-promtool}
if ! command -v "$promtool" >/dev/null; then
  echo "skipped: no promtool here (Debian's package prometheus has it)"
  exit 77
fi

# It prints what it dislikes, and not all of that fails it.
complaints=$("$print_metrics" | "$promtool" check metrics 2>&1) || { echo "$complaints"; exit 1; }
if [ -n "$complaints" ]; then
  echo "$complaints"
  exit 1
fi
"$promtool" check rules "$tree/deploy/alerts.yml"

# Each of the dashboard's expressions as a rule, which is how the tool reads them.
rules=$(mktemp --suffix .yml)
trap 'rm "$rules"' EXIT
{
  echo "groups: [{name: dashboard, rules: ["
  sed -n 's/^ *"expr": \(".*"\),\?$/{record: "a:b", expr: \1},/p' "$tree/deploy/grafana-dashboard.json" |
    sed 's/\$__rate_interval/5m/g' | awk '{ sub("a:b", "a:b" NR); print }'
  echo "]}]"
} >"$rules"
[ "$(grep -c record "$rules")" -gt 20 ]
"$promtool" check rules "$rules"
"$promtool" test rules "$tree/tests/server/metrics/alerts_test.yml"
