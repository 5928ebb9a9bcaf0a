"""What the programs in scripts/ do. Each returns its exit status: 0 is good."""

from __future__ import annotations

from pathlib import Path

from ops.verification import code

BASE = Path(__file__).resolve().parents[2]
SOURCE = ("tradingbot", "exchanges", "signals_app", "positions", "trailing", "ops", "migrations_sql")


def analyze_code(base: Path = BASE) -> int:
    """Without a database, a network or Django."""
    found = code.findings(source_files(base))
    for rule, places in found.items():
        print(f"{'FAILED' if places else 'PASSED'}  {rule}")
        for place in places:
            print(f"        {place}")
    return int(any(found.values()))


def source_files(base: Path) -> dict[str, str]:
    paths = (path for folder in SOURCE for path in sorted((base / folder).rglob("*")))
    return {
        path.relative_to(base).as_posix(): path.read_text()
        for path in paths
        if path.suffix in (".py", ".sql")
    }
