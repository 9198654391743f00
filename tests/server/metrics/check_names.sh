#!/usr/bin/env bash
# Every metric that the dashboard, the alerts and the documentation name is served, and every one that is served is
# documented: check_names.sh PRINT_METRICS TREE
set -euo pipefail
export LC_ALL=C

print_metrics=$1
tree=$2
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

"$print_metrics" >"$scratch/text"
awk '/^# TYPE / { print $3 }' "$scratch/text" | sort >"$scratch/families"
awk '/^# TYPE / && $4 == "histogram" { print $3 "_bucket"; print $3 "_sum"; print $3 "_count" }' "$scratch/text" |
  sort - "$scratch/families" >"$scratch/served"
if [ "$(uniq -d "$scratch/families")" ] || [ ! -s "$scratch/families" ]; then
  echo "families come twice, or none come:"
  uniq -d "$scratch/families"
  exit 1
fi

failed=0
for file in deploy/grafana-dashboard.json deploy/alerts.yml docs/metrics.md; do
  # The documentation also speaks of all metrics of a beginning, `durable_streams_store_*`.
  grep -oE '\b(durable_streams|process)_[a-z0-9_]+[*]?' "$tree/$file" | grep -v '[*]$' | sort -u >"$scratch/named" || true
  if [ ! -s "$scratch/named" ]; then
    echo "$file names no metric"
    failed=1
  fi
  if [ "$(comm -13 "$scratch/served" "$scratch/named")" ]; then
    echo "$file names what is not served:"
    comm -13 "$scratch/served" "$scratch/named"
    failed=1
  fi
done

grep -oE '^\| `[a-z0-9_]+' "$tree/docs/metrics.md" | sed 's/^| `//' | sort >"$scratch/documented"
if ! diff "$scratch/families" "$scratch/documented"; then
  echo "docs/metrics.md must have one row for each metric, which begins with its name"
  failed=1
fi
exit "$failed"
