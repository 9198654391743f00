#!/usr/bin/env bash
# Prometheus's own tool accepts the metrics' text and the alerts: check_promtool.sh PRINT_METRICS TREE
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
"$promtool" test rules "$tree/tests/server/metrics/alerts_test.yml"
