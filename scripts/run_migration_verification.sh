#!/usr/bin/env bash
# Everything that should be true before this installation trades: environment, database, source, tests, speed, and a
# dry run. Goes through all of it whatever fails, and ends with 0 only when nothing did.
#   --data DIR        folder of the running installation (var/)
#   --duration S      seconds of the dry run (300)
#   --report FILE     where the YAML of all seven questions goes (var/verification.yaml)
#   --skip NAME       leave a step out; may be said again: environment database code tests benchmark verify dry-run
# What it starts ends with it, also when it is killed. Tests and dry run have servers of their own, whatever .env names.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PYTHON="${PYTHON:-.venv/bin/python}"
DATA=var DURATION=300 REPORT=var/verification.yaml SKIPPED=" "
TESTS="${TESTS:-tests/integration/test_full_trading_cycle.py tests/integration/test_enhanced_sltp_flow.py \
tests/integration/test_multi_exchange_arbitrage.py tests/integration/test_risk_limits_enforcement.py \
tests/integration/test_v2_compatibility.py}"

while [[ $# -gt 0 ]]; do
  case "$1" in
    --data) DATA="${2:?a folder}"; shift 2 ;;
    --duration) DURATION="${2:?seconds}"; shift 2 ;;
    --report) REPORT="${2:?a file}"; shift 2 ;;
    --skip) SKIPPED+="${2:?a step} "; shift 2 ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
  esac
done

declare -a SAID=()
BROKEN=0 CHILD=""
OWN_SERVERS=(env DATABASE_URL= REDIS_URL= PAPER_EXCHANGE_URL= PAPER_EXCHANGE_URLS= SIGNAL_WS_URL=)

ends_with_us() {  # command ...: gets SIGTERM when this program ends, however it does
  "$PYTHON" -I -S ops/parented.py 15 - $$ "$@" &
  CHILD=$!
  wait "$CHILD"
  local status=$?
  CHILD=""
  return $status
}

interrupted() {
  trap '' INT TERM HUP
  if [[ -n "$CHILD" ]]; then kill -TERM "$CHILD"; wait "$CHILD"; fi
  echo "Interrupted; NOT READY" >&2
  exit 130
}
trap interrupted INT TERM HUP

step() {  # name, command ...
  local name="$1" began=$SECONDS status
  shift
  if [[ "$SKIPPED" == *" $name "* ]]; then SAID+=("SKIPPED  $name"); BROKEN=1; return; fi
  printf '\n== %s\n' "$name"
  "$@"
  status=$?
  if [[ $status -eq 0 ]]; then SAID+=("PASSED   $name ($((SECONDS - began)) s)")
  else SAID+=("FAILED   $name (status $status, $((SECONDS - began)) s)"); BROKEN=1; fi
}

environment() {
  [[ -x "$PYTHON" ]] || { echo "No $PYTHON: make install"; return 1; }
  [[ -f "$DATA/run.env" ]] || { echo "No installation runs in $DATA: make up"; return 1; }
  "$PYTHON" -c 'import sys, django, ccxt; print("Python", sys.version.split()[0], "Django", django.__version__, "ccxt", ccxt.__version__)
sys.exit(sys.version_info < (3, 11))' || return 1
  local free; free=$(df -Pm "$DATA" | awk 'NR == 2 { print $4 }')
  echo "$free MB free"
  [[ "$free" -ge 500 ]] || { echo "Less than 500 MB are free"; return 1; }
}

tests() {  # a story that is not there is told, not passed over
  local file missing=0
  for file in $TESTS; do [[ -f "$file" ]] || { echo "There is no $file"; missing=1; }; done
  # shellcheck disable=SC2086 - several files
  [[ $missing -eq 0 ]] && ends_with_us "${OWN_SERVERS[@]}" "$PYTHON" -m pytest -q -m "not soak" $TESTS
}

dry_run() {
  ends_with_us "${OWN_SERVERS[@]}" "$PYTHON" manage.py up --dry-run --duration "$DURATION" --port 0 --fresh \
    --data var/verification-dry-run --report var/verification-dry-run.yaml > var/verification-dry-run.log 2>&1
  local status=$?
  tail -n 40 var/verification-dry-run.log
  return $status
}

program() {  # name, options ...
  local name="$1"
  shift
  ends_with_us "$PYTHON" "scripts/$name.py" "$@"
}

mkdir -p var
step environment environment
step database program verify_database_migration --data "$DATA"
step code program analyze_code_migration
step tests tests
step benchmark program benchmark_v3_performance --data "$DATA"
step verify program verify_migration --data "$DATA" --file "$REPORT"
step dry-run dry_run

printf '\n'
printf '%s\n' "${SAID[@]}"
if [[ $BROKEN -ne 0 ]]; then echo "NOT READY"; exit 1; fi
echo "READY; the report is $REPORT"
