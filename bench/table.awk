# Turns a results file that bench/compare writes into a Markdown table: medians of each server in each row, and how ours
# relates to it.

# Keeps the values of each row, server and key sorted as they come.
function add(group, value,    i) {
  for (i = ++count[group]; i > 1 && sorted[group, i - 1] > value; --i) {
    sorted[group, i] = sorted[group, i - 1]
  }
  sorted[group, i] = value
}

function median(row, server, key,    group, n) {
  group = row SUBSEP server SUBSEP key
  n = count[group]
  if (n == 0) return ""
  return (sorted[group, int((n + 1) / 2)] + sorted[group, int(n / 2) + 1]) / 2
}

# `value` over `scale`, or a dash when it was not measured.
function shown(value, scale, format) {
  return value == "" ? "–" : sprintf(format, value / scale)
}

# What ours measures for each unit of what `server` measures.
function ratio(row, server, key,    ours, theirs) {
  ours = median(row, "ours", key)
  theirs = median(row, server, key)
  if (server == "ours" || ours == "" || theirs == "" || theirs == 0) return "–"
  return sprintf("%.2f", ours / theirs)
}

function memory(row, server,    each) {
  each = median(row, server, "anon_bytes_each")
  if (each != "") return sprintf("%d B each", each)
  return shown(median(row, server, "rss_kib"), 1024, "%.0f MiB")
}

{
  row = ""
  server = ""
  for (i = 1; i <= NF; ++i) {
    at = index($i, "=")
    if (at == 0) continue
    key = substr($i, 1, at - 1)
    value = substr($i, at + 1)
    if (key == "row") row = value
    else if (key == "server") server = value
    else if (row != "" && server != "") add(row SUBSEP server SUBSEP key, value + 0)
  }
  if (!(row in row_seen)) {
    row_seen[row] = 1
    rows[++row_count] = row
  }
  if (!(server in server_seen)) {
    server_seen[server] = 1
    servers[++server_count] = server
  }
}

END {
  print "| workload | server | per second | p50 ms | p99 ms | server CPU µs each | load CPU µs each | memory |" \
        " ours to it: rate | CPU | p99 |"
  print "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
  for (r = 1; r <= row_count; ++r) {
    for (s = 1; s <= server_count; ++s) {
      row = rows[r]
      server = servers[s]
      if (median(row, server, "rate") == "") continue
      printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", row, server,
        shown(median(row, server, "rate"), 1, "%.0f"),
        shown(median(row, server, "p50_us"), 1000, "%.2f"),
        shown(median(row, server, "p99_us"), 1000, "%.2f"),
        shown(median(row, server, "server_cpu_us"), 1, "%.2f"),
        shown(median(row, server, "load_cpu_us"), 1, "%.2f"),
        memory(row, server),
        ratio(row, server, "rate"), ratio(row, server, "server_cpu_us"), ratio(row, server, "p99_us")
    }
  }
}
