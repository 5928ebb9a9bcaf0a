"""What the v2 and v4 signal bots left in a database, in its schema public."""

from __future__ import annotations

import re
from typing import Any

from tests.legacy.generations import SCHEMAS


def signal_bots(cursor: Any) -> None:
    for part in ("signal_bots", "signal_bots_rows"):
        cursor.execute((SCHEMAS / f"{part}.sql").read_text(encoding="utf-8"))


def without_signal_bots(cursor: Any) -> None:
    created = (SCHEMAS / "signal_bots.sql").read_text(encoding="utf-8")
    names = ", ".join(re.findall(r"CREATE TABLE (\S+)", created))
    cursor.execute(f"DROP TABLE IF EXISTS {names} CASCADE")


def v3_bot(cursor: Any) -> None:
    cursor.execute((SCHEMAS / "v3_bot.sql").read_text(encoding="utf-8"))
