# Counting, for the scripts that test what is shipped: source it, `check` each rule, `finish` with the script's name.
passed=0
failed=0

# check RULE COMMAND...: the command must succeed.
check() {
  local rule=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    echo "FAILED: $rule" >&2
    failed=$((failed + 1))
  fi
}

# refused TEXT COMMAND...: the command must fail, and say TEXT.
refused() {
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "it succeeded: $output" >&2
    return 1
  fi
  [[ "$output" == *"$text"* ]] || { echo "it said: $output" >&2; return 1; }
}

finish() {
  echo "$1: $passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
