"""What the programs in scripts/ do. Exit status 0 is good."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ops.verification import code, installation
from ops.verification.verdicts import PART_PASSED

BASE = Path(__file__).resolve().parents[2]
SOURCE = ("tradingbot", "exchanges", "signals_app", "positions", "trailing", "ops", "migrations_sql")


def verify(arguments: Sequence[str], only: Sequence[str] = ()) -> NoReturn:
    """As `manage.py verify`, wherever it is called from. A program that asks only a part ends well when that passed."""
    from django.core.management import execute_from_command_line

    chosen = [word for name in only for word in ("--only", name)]
    installation.choose(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
    try:
        execute_from_command_line(["manage.py", "verify", *chosen, *arguments])
    except SystemExit as ended:
        sys.exit(0 if only and ended.code == PART_PASSED else ended.code)
    sys.exit()


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
