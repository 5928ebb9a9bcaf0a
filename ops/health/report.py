"""The facts as the lines a person reads, and as the few answers that other machines ask for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings

from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.trading_state import TradingState
from exchanges.types import BreakerState
from ops.health import lines, protection
from ops.health.facts import Facts, Feed
from ops.health.lines import Line, State
from ops.health.living import living
from ops.health.protection import Held, Sentence
from positions.formats import MINUS
from tradingbot.schedule import SCHEDULE

COMPARED_WITHIN = timedelta(seconds=60)  # it is asked every ten seconds; an exchange may be slow
A_LONG_QUEUE = 100
HIGH_SHARE = 0.8
TASKS_OF = {
    queue: [entry["task"] for entry in SCHEDULE.values() if entry["options"]["queue"] == queue]
    for queue in ("orders", "sweeps", "reconcile")
}


def programs(facts: Facts) -> dict[str, Line]:
    signs = None if facts.signs is None else {name: sign.at for name, sign in facts.signs.items()}
    return living(signs, TASKS_OF, facts.at)


def servers(facts: Facts) -> list[Line]:
    return [_server("PostgreSQL", facts.database_ms), _server("Redis", facts.redis_ms)]


def _server(name: str, took: float | None) -> Line:
    if took is None:
        return Line(name, State.BAD, words="does not answer")
    return Line(name, State.GOOD, lines.milliseconds(took))


def protects(facts: Facts) -> list[Sentence]:
    up = {"database": facts.database_ms is not None, "redis": facts.redis_ms is not None}
    return protection.sentences(_held(facts), programs(facts), up, facts.at)


def _held(facts: Facts) -> Held:
    if facts.protection is None:
        return Held(None, None, None)
    watches = (facts.watches or {}).values()
    fresh = [one for one in watches if one.reconciled_at and facts.at - one.reconciled_at <= COMPARED_WITHIN]
    proven = sum(one.positions_proven_protected for one in fresh) if fresh else None
    seen = facts.protection
    return Held(
        seen.live, proven, seen.unprotected, seen.unprotected_since, seen.watched_here, seen.handed_over
    )


def feeds(facts: Facts) -> list[Line]:
    if facts.feeds is None:
        return [Line("Prices", State.UNKNOWN, words="cannot be asked")]
    none = Line("Prices", State.GOOD, "none", "no account: nothing to hear")
    return [_feed(one, facts) for one in facts.feeds] or [none]


def _feed(one: Feed, facts: Facts) -> Line:
    name, contracts = f"{one.venue} {one.kind} prices", f"{one.contracts} contracts"
    if not facts.needs_prices and one.youngest is None:
        return Line(name, State.GOOD, "none", "nothing is traded or held: nothing to hear")
    if facts.needs_prices is False:
        return Line(name, State.GOOD, lines.short_age((facts.at - one.youngest).total_seconds()), contracts)  # type: ignore[operator]
    return lines.by_age(name, one.youngest, facts.at, settings.PRICE_SILENT_AFTER, contracts)


def queues(facts: Facts) -> Iterator[Line]:
    for name, length in (facts.queues or {}).items():
        state = State.GOOD if length < A_LONG_QUEUE else State.BAD
        yield Line(
            f"Queue {name}", state, f"{length:,}", "hints that wait for their worker" if length else ""
        )
    if facts.queues is None:
        yield Line("Queues", State.UNKNOWN, words="Redis does not answer")
    yield _signal_stream(facts)
    for link in (facts.signal_links or {}).get("links", []):
        well = (
            State.GOOD
            if link["state"] == "authenticated"
            else State.UNKNOWN
            if link["state"] == "unknown"
            else State.WARN
        )
        yield Line(f"Signal server {link['server']}", well, str(link["state"]), link["error"])


def _signal_stream(facts: Facts) -> Line:
    told = facts.signal_stream
    if told is None or "error" in told:
        return Line("Signal stream", State.UNKNOWN, words="Redis does not answer")
    ages = [told[f"oldest_{what}_seconds"] for what in ("pending", "unread")]
    oldest = max((age for age in ages if age is not None), default=None)
    words = f"{told['consumers']} consumers, {told['dead_letters']} dead letters"
    if oldest is not None and oldest > settings.SIGNALS_STREAM_WAIT.total_seconds():
        return Line(
            "Signal stream",
            State.BAD,
            f"{told['length']:,}",
            f"the oldest waits for {lines.short_age(oldest)}; {words}",
        )
    state = State.GOOD if told["consumers"] else State.WARN
    return Line("Signal stream", state, f"{told['length']:,}", words)


def budgets(facts: Facts) -> Iterator[Line]:
    if facts.budgets is None:
        yield Line("Request budgets", State.UNKNOWN, words="Redis does not answer")
        return
    uses, stops = facts.budgets
    for use in uses:
        state = State.GOOD if use.share < HIGH_SHARE else State.WARN
        yield Line(f"{use.venue}, key {use.key}…", state, f"{use.used:,} of {use.allowed:,}", use.name)
    for stop in stops:
        yield Line(
            f"{stop.venue}", State.BAD, lines.short_age(stop.seconds), f"told us to wait ({stop.word})"
        )


def accounts(facts: Facts) -> list[dict[str, Any]]:
    return [_account(one, facts) for one in facts.accounts or []]


def _account(account: ExchangeAccount, facts: Facts) -> dict[str, Any]:
    watch = (facts.watches or {}).get(account.pk)
    latency = (facts.latencies or {}).get(account.pk)
    trades = facts.trading_accounts is None or account.pk in facts.trading_accounts
    return {
        "name": account.name,
        "venue": account.venue,
        "trades": trades,
        "switch": _switch(account),
        "reach": _reach(watch),
        "stream": _stream(watch, facts),
        "compared": _compared(watch, facts)
        if trades
        else Line("Compared", State.GOOD, UNASKED, "not confirmed"),
        "latency": _latency(latency),
        "clock": _clock(watch),
    }


UNASKED = "not asked"


def _switch(account: ExchangeAccount) -> Line:
    is_active = account.trading_state == TradingState.ACTIVE
    return Line(
        "Trading", State.GOOD if is_active else State.WARN, account.trading_state, account.state_reason
    )


def _reach(watch: AccountWatch | None) -> Line:
    if watch is None:
        return Line("Reachable", State.UNKNOWN)
    if watch.breaker == BreakerState.CLOSED:
        return Line("Reachable", State.GOOD, "yes")
    return Line("Reachable", State.BAD, watch.breaker, watch.unreachable_error)


def _stream(watch: AccountWatch | None, facts: Facts) -> Line:
    """A quiet account tells nothing for hours: only an open stream can be seen, not a young event."""
    if watch is None or watch.stream_connected_at is None:
        return Line("Private stream", State.UNKNOWN)
    if watch.stream_failures or (watch.stream_broke_at and watch.stream_broke_at > watch.stream_connected_at):
        return Line("Private stream", State.BAD, "broken", watch.stream_error)
    at, delay = watch.stream_last_event_at, watch.event_delay_ms
    age = f"last event {lines.short_age((facts.at - at).total_seconds())} ago" if at else "no event yet"
    words = "; ".join(filter(None, (age, f"{delay:,} ms on its way" if delay is not None else "")))
    state = State.GOOD if programs(facts)["market"].state is State.GOOD else State.UNKNOWN
    return Line("Private stream", state, "open", words)


def _compared(watch: AccountWatch | None, facts: Facts) -> Line:
    line = lines.by_age("Compared", watch.reconciled_at if watch else None, facts.at, COMPARED_WITHIN)
    if watch and line.state is State.GOOD and watch.differences_open:
        return Line("Compared", State.WARN, line.figure, f"{watch.differences_open} differences")
    error = watch.reconcile_error if watch else ""
    return Line("Compared", line.state, line.figure, "; ".join(filter(None, (line.words, error))))


def _latency(seen: Any) -> Line:
    if seen is None:
        return Line("Answers", State.UNKNOWN, words="no order in ten minutes")
    figure = lines.milliseconds(seen.median * 1000)
    words = f"one in twenty above {lines.milliseconds(seen.slowest_of_twenty * 1000)}; {seen.requests} orders"
    return Line("Answers", State.GOOD if seen.median < 1 else State.WARN, figure, words)


def _clock(watch: AccountWatch | None) -> Line:
    offset = watch.clock_offset_ms if watch else None
    if offset is None:
        return Line("Clock", State.UNKNOWN)
    well = abs(offset) <= settings.MAX_CLOCK_OFFSET_MS
    figure = f"{offset:+,} ms".replace("-", MINUS)
    return Line("Clock", State.GOOD if well else State.BAD, figure, "" if well else "entries wait for it")
