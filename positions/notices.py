"""What a person must know before anything else: accounts that do not trade as they should. Each says what happened,
what it means for the money, what to do and when it is tried again. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import reverse

from exchanges.models import KEYS, AccountWatch, ExchangeAccount, FlatRun, GlobalState, TradingState
from exchanges.switch import EVERYWHERE, since_and_who
from exchanges.switch_models import Switched
from exchanges.trading_state import Cause
from exchanges.types import BreakerState
from positions import formats
from positions.canary import prove_stops
from positions.health_strip import left_standing

Notice = dict[str, str]

NOT_OPENED = "No position is opened; what is held keeps its stop and its plan."
MEANS_OF_HALT = {
    Cause.VENUE: "No position is opened, and as long as the exchange refuses us nothing can be closed or moved from "
    "here. Positions keep the stops that stand on the exchange.",
}
TODO_OF_HALT = {
    Cause.VENUE: "Look at the key at the exchange: it may be bound to another address, lack a right or be deleted. "
    "It is not tried again by itself; Resume asks the exchange first.",
    Cause.DAY: "It ends by itself at 00:00 UTC.",
}
EVERY_ACCOUNT = "Every account"
RESUMED_BY_HAND = "It stays so until somebody resumes."


def notices() -> list[Notice]:
    accounts = ExchangeAccount.objects.select_related("watch").order_by("name").defer(*KEYS)
    return [*_of_all(), *(notice for account in accounts for notice in _of(account))]


def is_paused(shown: Iterable[Notice]) -> bool:
    """All entries at once."""
    return any(one["account"] == EVERY_ACCOUNT for one in shown)


def _of_all() -> Iterator[Notice]:
    everywhere = GlobalState.objects.filter(pk=EVERYWHERE).exclude(trading_state=TradingState.ACTIVE).first()
    if everywhere is not None:
        yield _stopped(EVERY_ACCOUNT, everywhere, reverse("resume-all"))
    for run in FlatRun.objects.filter(ended_at=None).order_by("pk"):
        done, of = run.reports.exclude(ended_at=None).count(), run.reports.count()
        yield _notice(
            f"FLAT {run.pk}", "at work", why=f"{done} of {of} accounts are done",
            means="Everything is being closed at market; stops stand until their position is flat.",
            todo="What the exchange refuses is asked again by itself.",
            href=reverse("flat", args=[run.pk]), act="See how far it is",
        )  # fmt: skip


def _of(account: ExchangeAccount) -> Iterator[Notice]:
    if account.trading_state != TradingState.ACTIVE:
        yield _stopped(account.name, account, reverse("resume-account", args=[account.name]), account.venue)
    watch: AccountWatch | None = getattr(account, "watch", None)
    if watch and watch.breaker != BreakerState.CLOSED:
        yield _unreachable(account, watch)
    if watch and watch.stops_refused_since:
        yield _notice(
            account.name, "without stop orders",
            why=f"since {formats.moment(watch.stops_refused_since)} the exchange takes no stop orders",
            means="No position is opened. Stops of what is held are watched here, so the bot must keep running.",
            todo=f"{prove_stops(account.name)}.", raw=watch.stops_refused_reason,
            href=reverse("health"), act="Health",
        )  # fmt: skip


def _stopped(name: str, row: Switched, resume: str, venue: str = "") -> Notice:
    cause, why = Cause(row.state_cause), row.state_reason
    if cause is Cause.VENUE and venue:
        why = f"{venue.capitalize()} said: {why}"
    return _notice(
        name, row.trading_state, why=why, since=since_and_who(row),
        means=MEANS_OF_HALT.get(cause, NOT_OPENED), todo=TODO_OF_HALT.get(cause, RESUMED_BY_HAND),
        href=resume, act="Resume…",
    )  # fmt: skip


def _unreachable(account: ExchangeAccount, watch: AccountWatch) -> Notice:
    is_open = watch.breaker == BreakerState.OPEN
    since = f"since {formats.moment(watch.unreachable_since)}; " if watch.unreachable_since else ""
    return _notice(
        account.name, "unreachable" if is_open else "recovering",
        why=f"{since}positions last verified: {formats.moment(watch.reconciled_at, 'never')}",
        means=f"Nothing is opened, closed or trailed there meanwhile. {left_standing(account.pk).capitalize()}.",
        todo="It is asked again every few seconds by itself; closes that were asked for wait for it.",
        raw=watch.unreachable_error, href=reverse("health"), act="Health",
    )  # fmt: skip


def _notice(account: str, state: str, **told: Any) -> Notice:
    blank = dict.fromkeys(("why", "since", "means", "todo", "raw", "href", "act"), "")
    return {"account": account, "state": state} | blank | told
