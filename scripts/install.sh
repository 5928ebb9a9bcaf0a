#!/usr/bin/env bash
# Make the virtual environment and install, only when what is asked for has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENV="${VENV:-.venv}"
STAMP="${STAMP:-$VENV/.installed}"

wanted() { cat pyproject.toml constraints.txt; pwd -P; }
fingerprint() { wanted | cksum; }

is_good() { "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

pick_python() {
  # 3.11 to 3.13 first: the packaged Redis has no wheel for later ones
  local candidate
  for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
    if is_good "$candidate"; then echo "$candidate"; return; fi
  done
  echo "Python 3.11 or later is needed and none was found; install it, or name one: make PYTHON=/path/to/python3" >&2
  return 1
}

with_uv() {
  if ! is_good "$VENV/bin/python"; then uv venv --quiet --clear --python "${PYTHON:->=3.11,<3.14}" "$VENV"; fi
  uv pip install --quiet --compile-bytecode --python "$VENV/bin/python" -c constraints.txt -e '.[ml]' --group dev
}

with_pip() {
  local python
  if ! is_good "$VENV/bin/python"; then
    python="$(pick_python)"
    "$python" -m venv --clear "$VENV" || {
      echo "Python's venv module is incomplete; install it (Debian: apt install python3-venv) and try again." >&2
      return 1
    }
  fi
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ml]' --group dev
}

if [[ -f "$STAMP" && "$(<"$STAMP")" == "$(fingerprint)" ]]; then exit 0; fi
echo "Installing into $VENV ..." >&2
if command -v uv >/dev/null 2>&1; then with_uv; else with_pip; fi
fingerprint >"$STAMP"
