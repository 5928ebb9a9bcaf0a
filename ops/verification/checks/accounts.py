"""Of which accounts questions make sense: those that trade. What is left out is named."""

from __future__ import annotations

from django.db.models import QuerySet

from exchanges.models import ExchangeAccount
from ops.verification.verdicts import CannotAsk
from positions.invariants import accounts_that_trade


def asked() -> QuerySet[ExchangeAccount]:
    found = accounts_that_trade().order_by("name")
    if not found.exists():
        raise CannotAsk("there is no account that may be asked: make one, and confirm it where money is real")
    return found


def left_out() -> list[str]:
    """Not confirmed for live trading, and nothing is held there: nothing is asked of them by anybody."""
    trading = accounts_that_trade().values("pk")
    others = ExchangeAccount.objects.exclude(pk__in=trading)
    return list(others.order_by("name").values_list("name", flat=True))
