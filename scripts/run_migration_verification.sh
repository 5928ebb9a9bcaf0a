#!/usr/bin/env bash
# Everything that should be true before this installation trades: environment, database, source, tests, speed, and a
# dry run. Goes through all of it whatever fails, and ends with 0 only when nothing did.
#   --data DIR        folder of the running installation (var/)
#   --duration S      seconds of the dry run (300)
#   --report FILE     where the YAML of all seven questions goes (var/verification.yaml)
#   --skip NAME       leave a step out; may be said again: environment database code tests benchmark verify dry-run
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
BROKEN=0

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
  [[ $missing -eq 0 ]] && "$PYTHON" -m pytest -q $TESTS
}

dry_run() {
  "$PYTHON" manage.py up --dry-run --duration "$DURATION" --port 0 --fresh --data var/verification-dry-run \
    --report var/verification-dry-run.yaml > var/verification-dry-run.log 2>&1
  local status=$?
  tail -n 40 var/verification-dry-run.log
  return $status
}

mkdir -p var
step environment environment
step database "$PYTHON" scripts/verify_database_migration.py --data "$DATA"
step code "$PYTHON" scripts/analyze_code_migration.py
step tests tests
step benchmark "$PYTHON" scripts/benchmark_v3_performance.py --data "$DATA"
step verify "$PYTHON" scripts/verify_migration.py --data "$DATA" --file "$REPORT"
step dry-run dry_run

printf '\n'
printf '%s\n' "${SAID[@]}"
if [[ $BROKEN -ne 0 ]]; then echo "NOT READY"; exit 1; fi
echo "READY; the report is $REPORT"
