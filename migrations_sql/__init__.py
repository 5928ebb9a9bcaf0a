"""SQL that the ORM cannot say, each file run by one migration."""

from __future__ import annotations

from pathlib import Path


def sql(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
