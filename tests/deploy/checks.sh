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

# request PORT METHOD PATH [BODY]: sends one HTTP request to this machine and prints the answer; no curl in a bare one.
request() {
  local body=${4:-}
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf '%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
    "$2" "$3" "${#body}" "$body" >&3
  cat <&3
  exec 3>&-
}

# answers TEXT PORT METHOD PATH [BODY]: the answer to that request must hold TEXT.
answers() {
  local text=$1 answer
  shift
  answer=$(request "$@" 2>&1) || true
  [[ "$answer" == *"$text"* ]] || { echo "the answer was: $answer" >&2; return 1; }
}

# within SECONDS COMMAND...: the command must succeed before so long.
within() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || { "$@"; return; }
    sleep 0.05
  done
}

finish() {
  echo "$1: $passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
