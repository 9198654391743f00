# Prints the median of `key` over the runs of `server` in `row`, of a results file that bench/compare writes; nothing when
# there is no such run.
function value_of(wanted,    i) {
  for (i = 1; i <= NF; ++i) if (index($i, wanted "=") == 1) return substr($i, length(wanted) + 2)
  return ""
}

value_of("row") == row && value_of("server") == server && value_of(key) != "" {
  value = value_of(key) + 0
  for (i = ++count; i > 1 && sorted[i - 1] > value; --i) sorted[i] = sorted[i - 1]
  sorted[i] = value
}

END {
  if (count > 0) printf "%.10g\n", (sorted[int((count + 1) / 2)] + sorted[int(count / 2) + 1]) / 2
}
