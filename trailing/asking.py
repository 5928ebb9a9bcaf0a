"""What the sweep may not do, since an exchange is asked for it: prices that no stream told lately, and native trailing
behind our stops."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime

from exchanges.errors import ExchangeError
from exchanges.marks import Price, ask_price
from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import PositionSide, Reference
from positions.services.sweeping import for_each
from trailing.models import TrailingStop
from trailing.rows import kind_of, open_rows
from trailing.services import keep_backstop_of
from trailing.sweeping import Line, judge_each, known_prices, readable

logger = logging.getLogger(__name__)

_REFERENCES = frozenset(Reference)
Askers = dict[Line, set[int]]  # accounts that hold the contract


def ask(now: datetime) -> int:
    """Each contract once; an account that does not answer is asked for nothing more this time. Returns for how many
    contracts there was no price."""
    askers = _askers()
    told = known_prices(askers, now)
    deaf: set[int] = set()
    missing = sorted(line for line in askers if line not in told)
    for line in missing:
        price = _asked(line, askers[line], deaf)
        if price is not None:
            judge_each(_rows(line), {line: price}, now)
    _keep_backstops()
    return len(missing)


def _askers() -> Askers:
    found: Askers = defaultdict(set)
    held = open_rows().order_by().values_list(
        "position__instrument__venue", "position__instrument__exchange_symbol",
        "position__plan__body__reference", "position__position_side", "position__account",
    )  # fmt: skip
    for venue, symbol, reference, side, account in held.distinct():
        if reference in _REFERENCES:  # else nobody can read that plan
            found[venue, symbol, Reference(reference).kind(PositionSide(side))].add(account)
    return found


def _asked(line: Line, accounts: set[int], deaf: set[int]) -> Price | None:
    venue, exchange_symbol, kind = line
    symbol = Instrument.objects.values_list("symbol", flat=True).get(
        venue=venue, exchange_symbol=exchange_symbol
    )
    for account in ExchangeAccount.objects.filter(pk__in=accounts - deaf).order_by("pk"):
        try:
            return ask_price(account, symbol, kind)
        except ExchangeError as error:
            deaf.add(account.pk)
            logger.warning("no %s price of %s from %s: %s", kind, exchange_symbol, account.name, error)
    return None


def _rows(line: Line) -> list[TrailingStop]:
    venue, symbol, kind = line
    held = open_rows().filter(position__instrument__venue=venue, position__instrument__exchange_symbol=symbol)
    return [row for row in readable(held) if kind_of(row.position) is kind]


def _keep_backstops() -> None:
    armed = open_rows().filter(entry_price__isnull=False)
    wished = armed.filter(position__plan__body__backstop__has_key="callback_percent")
    for_each(wished, keep_backstop_of, "the backstop of %s could not be looked after")
