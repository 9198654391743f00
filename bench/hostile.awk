# Makes the table of bench/hostile from its rounds, and says how many kinds kept to what they must. Exits with 1 unless all did.
function value_of(wanted,    i) {
  for (i = 1; i <= NF; ++i) if (index($i, wanted "=") == 1) return substr($i, length(wanted) + 2)
  return ""
}

function keep(name,    value) {
  value = value_of(name)
  if (value !~ /^[0-9.]+$/) broken[kind] = broken[kind] " " name
  rounds[kind, name, count[kind]] = value + 0
}

# Of `name` over the rounds of `of`.
function median(of, name,    i, j, n, sorted) {
  n = count[of]
  for (i = 1; i <= n; ++i) {
    for (j = i; j > 1 && sorted[j - 1] > rounds[of, name, i]; --j) sorted[j] = sorted[j - 1]
    sorted[j] = rounds[of, name, i]
  }
  return (sorted[int((n + 1) / 2)] + sorted[int(n / 2) + 1]) / 2
}

function most(of, name,    i, found) {
  for (i = 1; i <= count[of]; ++i) if (rounds[of, name, i] > found) found = rounds[of, name, i]
  return found + 0
}

function judge_ratio(of, what,    normal, beside) {
  normal = median(of, "normal_" what)
  beside = median(of, "beside_" what)
  if (beside > floor_us && beside > ratio_max * normal) broken[of] = broken[of] " p99 of " what
  return sprintf("%.2f | %.2f | %.1f", normal / 1000, beside / 1000, normal > 0 ? beside / normal : 0)
}

{
  kind = value_of("kind")
  if (!(kind in count)) order[++kinds] = kind
  ++count[kind]
  keep("normal_read"); keep("normal_append"); keep("beside_read"); keep("beside_append")
  keep("before_kib"); keep("peak_kib"); keep("unexpected"); keep("connects"); keep("ended"); keep("unanswered")
  connections[kind] = value_of("connections")
  grows_max[kind] = value_of("grows_max")
  answers[kind] = value_of("answers")
  grown = value_of("peak_kib") - value_of("before_kib")
  if (grown > 1024 * grows_max[kind]) broken[kind] = broken[kind] " memory"
  if (value_of("unexpected") + 0 > 0) broken[kind] = broken[kind] " answers"
}

END {
  print "| kind | clients | p99 of reads, ms: normal | beside | ratio | p99 of appends, ms: normal | beside | ratio" \
    " | memory before, MiB | most | bound | connections begun | ended by us | answers of the last round | |"
  print "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|"
  for (i = 1; i <= kinds; ++i) {
    kind = order[i]
    of_reads = judge_ratio(kind, "read")
    of_appends = judge_ratio(kind, "append")
    gsub(",", ", ", answers[kind])
    gsub(":", " × ", answers[kind])
    printf "| %s | %s | %s | %s | %.1f | %.1f | %.0f | %d | %d | %s | %s |\n", kind, connections[kind], of_reads, of_appends,
      median(kind, "before_kib") / 1024, most(kind, "peak_kib") / 1024,
      median(kind, "before_kib") / 1024 + grows_max[kind], median(kind, "connects"), median(kind, "ended"), answers[kind],
      broken[kind] == "" ? "kept" : "**not kept:**" broken[kind]
    if (broken[kind] == "") ++passed; else ++failed
  }
  printf "\nhostile: %d passed, %d failed\n", passed, failed
  exit failed > 0
}
