"""Checks that are made in order, until one is not true."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    name: str
    is_true: bool
    found: str
    remedy: str = ""


class NotTrue(Exception):
    """Two parts: what was found, and what to do about it."""


def make(checks: Iterable[Check], say: Callable[[str], None]) -> None:
    for check in checks:
        say(f"{'ok    ' if check.is_true else 'FAILED'} {check.name}: {check.found}")
        if not check.is_true:
            raise NotTrue(f"{check.name}: {check.found}. {check.remedy}")
