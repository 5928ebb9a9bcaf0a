"""After a time nobody watched, the best price is rebuilt from one-minute candles before anything else is decided.

What candles cannot tell is the order of their prices. So they raise the best price, and the stop with it, and never
close: a stop that was crossed meanwhile without the exchange's own stop firing is judged by the price of now alone.
That one is beyond it, and we leave at market; or it came back, and the position goes on behind the better stop.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import islice

from exchanges import session
from exchanges.errors import ExchangeError
from exchanges.marks import Price, fresh_price
from exchanges.models import ExchangeAccount
from exchanges.types import Candle, Reference, Timeframe
from positions.cover import is_covered
from positions.models import RiskEvent
from positions.services import events
from positions.services.sweeping import for_each
from trailing.engine import TrailingPhase, TrailingState
from trailing.gaps import best_price, is_behind, known_until, watch_of
from trailing.models import TrailingStop
from trailing.plan import PlanRefused
from trailing.protection import seen_best
from trailing.rows import entry_of, kind_of, open_rows, plan_of, state_of, true_range_of
from trailing.services import advance, judged

logger = logging.getLogger(__name__)

MINUTE = Timeframe.MINUTE
MOST_PER_PAGE = 1500
# pages of one contract: two weeks of minutes. More is for the next time, and for others that need the same budget
MOST_AT_ONCE = 20
UNKNOWN = "best_price_unknown"
# an answer takes a moment, after a restart also the exchange's first one
PATIENCE = timedelta(minutes=2)


def catch_up(now: datetime) -> None:
    """Whoever stays behind is tried again the next time, and told of when that lasts."""
    if behind := _behind(now):
        _ask(behind, now)
        left = [row for rows in _behind(now).values() for row in rows]
        for_each(left, partial(_tell_once, now=now), "nobody was told that %s stays behind")


def _ask(behind: Mapping[tuple[int, Reference], list[TrailingStop]], now: datetime) -> None:
    """A question that fails decides nothing, and that exchange is not asked more this time. What was told before it
    counts: after months away one budget does not pay for all of them."""
    silent = set[int]()
    price_of = cache(fresh_price)
    for (_, reference), rows in behind.items():
        position = rows[0].position
        if position.account_id in silent:
            continue
        candles = list[Candle]()
        try:
            for page in islice(_unseen_pages(rows, reference, now), MOST_AT_ONCE):
                candles += page
        except ExchangeError as error:
            silent.add(position.account_id)
            logger.warning("best prices of %s cannot be rebuilt yet: %s", position.instrument.symbol, error)
        for_each(
            rows,
            partial(_rebuild, candles=candles, now=now, price_of=price_of),
            "best price of %s not rebuilt",
        )


def _behind(now: datetime) -> Mapping[tuple[int, Reference], list[TrailingStop]]:
    """By contract and reference: one question serves all its positions."""
    found: dict[tuple[int, Reference], list[TrailingStop]] = defaultdict(list)
    rows = open_rows().filter(entry_price__isnull=False).select_related("position__account")
    for row in rows.prefetch_related("position__instrument__price_watches"):
        with suppress(PlanRefused):  # the sweep tells of it
            reference = plan_of(row.position).reference
            if is_behind(row, now):
                found[row.position.instrument_id, reference].append(row)
    return found


def _unseen_pages(
    rows: Sequence[TrailingStop], reference: Reference, now: datetime
) -> Iterator[Sequence[Candle]]:
    """Nobody keeps candles of the book: those of last prices, which are at most its spread away, stand for it."""
    position = rows[0].position
    since = min(known for row in rows if (known := known_until(row)) is not None)
    since = since.replace(second=0, microsecond=0)
    of_mark = reference is Reference.MARK
    while page := _page(position.account, position.instrument.symbol, since, now, of_mark=of_mark):
        yield page
        since = page[-1].at + MINUTE.length
        if since > now:
            break


def _page(
    account: ExchangeAccount, symbol: str, since: datetime, now: datetime, *, of_mark: bool
) -> Sequence[Candle]:
    limit = min((now - since) // MINUTE.length + 2, MOST_PER_PAGE)
    return session.call(account, lambda client: client.candles(symbol, MINUTE, since, limit, of_mark=of_mark))


def _rebuild(
    row: TrailingStop, candles: Sequence[Candle], now: datetime, price_of: Callable[..., Price | None]
) -> None:
    known = _told_until(candles, now)
    if known is None or not _keep(row, _rebuilt(row, candles), known, now):
        return  # nothing was told, or somebody moved the stop meanwhile: the next time begins with that
    position = row.position
    price = price_of(position.account_id, position.instrument.exchange_symbol, kind_of(position))
    if price is not None:
        advance(row.pk, price.price, price.at)


def _told_until(candles: Sequence[Candle], now: datetime) -> datetime | None:
    """An exchange that answers with less than was asked for leaves the rest unknown."""
    return min(candles[-1].at + MINUTE.length, now) if candles else None


def _rebuilt(row: TrailingStop, candles: Sequence[Candle]) -> TrailingState:
    """The minute of the entry is left out: some of its prices were before it."""
    since, opened = known_until(row), row.position.opened_at
    if since is None or opened is None:
        return state_of(row)
    unseen = [one for one in candles if one.at >= opened and one.at + MINUTE.length > since]
    entry, state = entry_of(row), state_of(row)
    best = best_price(entry.side, unseen)
    return state if best is None else seen_best(entry, plan_of(row.position), state, best, true_range_of(row))


def _keep(row: TrailingStop, state: TrailingState, known: datetime, now: datetime) -> bool:
    known = max(known, known_until(row) or known)
    unchanged = TrailingStop.objects.filter(pk=row.pk, **judged(row))
    if state == state_of(row):
        return bool(unchanged.update(known_until=known))
    is_active = state.phase is TrailingPhase.ACTIVE
    return bool(
        unchanged.update(
            known_until=known,
            state=state.phase,
            high_water_mark=state.high_water_mark,
            stop_price=state.stop_price,
            stop_reason=state.stop_reason,
            loosened_from=state.loosened_from,
            activated_at=row.activated_at or (now if is_active else None),
            last_advanced_at=now,
        )
    )


def _tell_once(row: TrailingStop, now: datetime) -> None:
    """Each time anew. A watch that began lately, after a restart, could not have asked before."""
    known, watch = known_until(row), watch_of(row)
    since = max(at for at in (known, watch.since if watch else None) if at is not None)
    told = RiskEvent.objects.filter(event_type=UNKNOWN, position_id=str(row.pk), created_at__gte=since)
    if now - since <= PATIENCE or told.exists():
        return
    events.record(
        UNKNOWN, "high", account_id=row.position.account_id, position_id=row.pk,
        symbol=row.position.instrument.exchange_symbol, known_until=known,
        until_then=_meanwhile(row),
    )  # fmt: skip


def _meanwhile(row: TrailingStop) -> str:
    if is_covered(row.position):
        return "no price moves the stop; it stands on the exchange"
    return f"no stop stands on the exchange: a price beyond {row.stop_price} closes it, and so does being without one"
