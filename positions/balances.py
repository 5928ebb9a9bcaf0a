"""What all accounts hold together, and what of it is not known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class AccountMoney:
    """Quote currency. `equity` None: never told. `why` says why it did not answer now; empty: it did."""

    account: str
    venue: str
    equity: Decimal | None = None
    available: Decimal | None = None
    told_at: datetime | None = None
    why: str = ""

    @property
    def is_fresh(self) -> bool:
        return not self.why


@dataclass(frozen=True, slots=True)
class TotalBalance:
    """`total` is all that is known, the last known of those that did not answer included; `fresh` is without it. None
    is unknown: what cannot be reached never counts as nothing."""

    asked_at: datetime
    accounts: Sequence[AccountMoney]

    @property
    def total(self) -> Decimal | None:
        return _sum(self.accounts)

    @property
    def fresh(self) -> Decimal | None:
        return _sum([one for one in self.accounts if one.is_fresh])

    @property
    def last_known(self) -> Decimal | None:
        return _sum(self.unreachable)

    @property
    def unreachable(self) -> list[AccountMoney]:
        return [one for one in self.accounts if not one.is_fresh]

    @property
    def is_complete(self) -> bool:
        return not self.unreachable

    def as_json(self) -> dict[str, Any]:
        return {
            "asked_at": self.asked_at.isoformat(),
            "total": _text(self.total),
            "fresh": _text(self.fresh),
            "last_known": _text(self.last_known),
            "complete": self.is_complete,
            "accounts": [_as_json(one, self.asked_at) for one in self.accounts],
        }


def _as_json(one: AccountMoney, now: datetime) -> dict[str, Any]:
    age = None if one.told_at is None else round((now - one.told_at).total_seconds(), 1)
    return {
        "account": one.account,
        "venue": one.venue,
        "reachable": one.is_fresh,
        "equity": _text(one.equity),
        "available": _text(one.available),
        "age_seconds": 0.0 if one.is_fresh else age,
        "why": one.why,
    }


def _sum(accounts: Sequence[AccountMoney]) -> Decimal | None:
    known = [one.equity for one in accounts if one.equity is not None]
    return sum(known, Decimal(0)) if known else None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
