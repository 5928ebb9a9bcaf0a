"""Exchange APIs: each account answers now, is in the mode it is set to, is heard and compared. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.clock import ClockReading
from exchanges.errors import ExchangeError
from exchanges.key_rights import KeyPermissions
from exchanges.models import AccountWatch, ExchangeAccount, Instrument
from exchanges.types import BreakerState, PositionMode
from ops.verification.checks import accounts
from ops.verification.verdicts import Finding, Issue, Severity, judged

COMPARED_EVERY = timedelta(minutes=1)
HIGH, CRITICAL = Severity.HIGH, Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class Answers:
    positions: int
    open_orders: int
    mode: PositionMode
    clock: ClockReading | None
    rights: KeyPermissions


def check() -> Finding:
    issues: list[Issue] = []
    said: dict[str, Any] = {}
    for account in accounts.asked():
        told = _ask(account)
        found = [*_of_answers(account, told), *_of_watch(account)]
        said[account.name] = _in_words(account, told, found)
        issues += found
    return judged({"accounts": said, "not_asked": accounts.left_out()}, issues)


def _ask(account: ExchangeAccount) -> Answers | str:
    symbols = Instrument.objects.filter(venue=account.venue, active=True).order_by("pk")
    symbol = symbols.values_list("symbol", flat=True).first()
    if symbol is None:
        return "no contract of its exchange is known"

    async def questions(client: ExchangeClient) -> Answers:
        held, working = await client.positions(), await client.open_orders()
        await client.balance()
        mode, rights = await client.position_mode(symbol), await client.key_permissions()
        return Answers(len(held), len(working), mode, await client.clock(), rights)

    try:
        return session.call(account, questions)
    except ExchangeError as error:
        return error.sentence


def _of_answers(account: ExchangeAccount, told: Answers | str) -> Iterator[Issue]:
    if isinstance(told, str):
        yield Issue(f"{account.name} does not answer: {told}", CRITICAL, _LOOK)
        return
    if told.mode != account.position_mode:
        what = f"{account.name} is set to {account.position_mode} mode and is in {told.mode} mode at the exchange"
        yield Issue(what, CRITICAL, f"`manage.py account_mode {account.name} --set` while nothing is open")
    if told.clock and told.clock.is_beyond(settings.MAX_CLOCK_OFFSET_MS):
        yield Issue(told.clock.sentence(settings.MAX_CLOCK_OFFSET_MS), HIGH, "set this machine's clock (NTP)")
    if not told.rights.can_trade:
        yield Issue(
            f"the key of {account.name} may not trade", CRITICAL, "give it that right at the exchange"
        )


def _of_watch(account: ExchangeAccount) -> Iterator[Issue]:
    """What the installation itself hears of it."""
    watch = AccountWatch.objects.filter(account=account).first()
    if watch is None or not _is_young(watch.reconciled_at):
        yield Issue(f"{account.name} was not compared with its exchange for a minute", CRITICAL, _RUNS)
    if watch is None or watch.stream_connected_at is None or watch.stream_failures:
        yield Issue(f"the private stream of {account.name} is not connected", HIGH, _RUNS)
    if watch is not None and watch.breaker != BreakerState.CLOSED:
        yield Issue(f"{account.name} counts as unreachable: {watch.unreachable_error}", CRITICAL, _LOOK)


def _is_young(moment: datetime | None) -> bool:
    return moment is not None and timezone.now() - moment < COMPARED_EVERY


def _in_words(account: ExchangeAccount, told: Answers | str, found: list[Issue]) -> dict[str, Any]:
    said: dict[str, Any] = {"venue": account.venue, "is_fine": not found}
    if isinstance(told, str):
        return said | {"error": told}
    offset = told.clock.offset_ms if told.clock else None
    return said | {
        "positions": told.positions,
        "open_orders": told.open_orders,
        "position_mode": told.mode.value,
        "clock_offset_ms": offset,
    }


_LOOK = "look at /health/ and at the exchange; docs/failover.md says what follows by itself"
_RUNS = "start the installation (`make up`) and see that its market process and workers run"
