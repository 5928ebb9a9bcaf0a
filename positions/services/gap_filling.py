"""Executions as the exchange lists them: what no stream told, read in order and to the end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from exchanges import session
from exchanges.errors import ExchangeError, OrderNotFound
from exchanges.models import AccountWatch, ExchangeAccount, Instrument
from exchanges.types import FillReport, PositionMode, Side
from exchanges.venues.names import forced_by
from positions.legacy_names import PREFIX as OF_OLDER_BOTS
from positions.models import Fill, FillCursor, Order, Position, RiskEvent
from positions.services import events, reachability, watch
from positions.services.reports import apply_fill, find_order

logger = logging.getLogger(__name__)

READ_AGAIN_AFTER = timedelta(seconds=60)
# a listing may show an execution a moment late, so the newest ones are listed once more
LISTING_LAG = timedelta(seconds=5)
# an open stream that has not told an execution for this long will not tell it
STREAM_PATIENCE = timedelta(seconds=10)
FURTHEST_BACK = timedelta(days=30)  # the venue lists a week per request
NEVER_LISTED = "executions_never_listed"
NEVER_LISTED_AFTER = timedelta(minutes=10)
BEFORE_THE_POSITION = timedelta(minutes=1)


def read_all(account: ExchangeAccount) -> None:
    """Contracts whose orders filled more than their executions explain, those not read for a while or since the
    stream was opened anew, and where else the exchange knows of an execution."""
    short = _beginnings(_short_of_executions(account))
    asked_at, traded = timezone.now(), _traded_unread(account)
    unread = short.keys() | _due(account) | _ended_unread(account) | (traded or set())
    for instrument in Instrument.objects.filter(pk__in=unread).order_by("pk"):
        if read(account, instrument, since=short.get(instrument.pk)):
            unread.remove(instrument.pk)
            if instrument.pk in short:
                _give_up_on(account, instrument)
    if traded is not None and not traded & unread:
        AccountWatch.objects.filter(account=account).update(trades_known_until=asked_at)


def read(account: ExchangeAccount, instrument: Instrument, *, since: datetime | None = None) -> bool:
    """Apply what is listed after the cursor, or once more from `since`; the cursor moves when all of it was applied.
    False: the exchange did not answer, so what is missing here may have happened all the same."""
    asked_at = timezone.now()
    cursor = FillCursor.objects.filter(account=account, symbol=instrument.exchange_symbol).first()
    after = cursor.trade_id if cursor and since is None else ""
    start = since or _moment_of(account, instrument, after) or _start(account, instrument, cursor)
    try:
        fills = session.call(account, lambda client: client.fills(instrument.symbol, start, after=after))
        news = _unknown_here(account, instrument, fills)
        refused = [fill for fill in _with_their_names(account, news) if not _is_applied(account, fill)]
    except ExchangeError as error:
        reachability.hear(account.pk, error)
        logger.warning("executions of %s could not be read: %s", instrument.symbol, error)
        return False
    if not refused:
        _move_cursor(account, instrument, cursor, fills, asked_at)
    _judge_stream(account, news, asked_at)
    return True


def _moment_of(account: ExchangeAccount, instrument: Instrument, trade_id: str) -> datetime | None:
    """When the last execution that was read happened: where a venue's trades have no numbers, it lists from then."""
    read = Fill.objects.filter(account=account, symbol=instrument.exchange_symbol, trade_id=trade_id)
    return read.values_list("executed_at", flat=True).first() if trade_id else None


def _start(account: ExchangeAccount, instrument: Instrument, cursor: FillCursor | None) -> datetime:
    """Where to begin without an execution that was read: where reading ended, else before the oldest position."""
    if cursor is not None:
        return max(cursor.read_at - BEFORE_THE_POSITION, timezone.now() - FURTHEST_BACK)
    ours = Position.objects.filter(account=account, instrument=instrument)
    oldest: datetime | None = ours.aggregate(at=Min("created_at"))["at"]
    furthest = timezone.now() - FURTHEST_BACK
    return max(oldest - BEFORE_THE_POSITION, furthest) if oldest else furthest


def _unknown_here(
    account: ExchangeAccount, instrument: Instrument, fills: Sequence[FillReport]
) -> list[FillReport]:
    listed = [fill.trade_id for fill in fills]
    ours = Fill.objects.filter(account=account, symbol=instrument.exchange_symbol, trade_id__in=listed)
    known = set(ours.values_list("trade_id", flat=True))
    return [fill for fill in fills if fill.trade_id not in known]


def _is_applied(account: ExchangeAccount, fill: FillReport) -> bool:
    """One that our books refuse must not keep the others out of them."""
    try:
        apply_fill(account.pk, fill)
    except Exception:
        logger.exception(
            "execution %s of %s could not be applied; it is listed again", fill.trade_id, fill.symbol
        )
        return False
    return True


def _with_their_names(account: ExchangeAccount, fills: Sequence[FillReport]) -> Iterator[FillReport]:
    """A listing names the exchange's order number only. A number we do not know may be an order of ours whose answer
    got lost, a person's, or the exchange's own: its name tells. One order is asked for once."""
    names: dict[str, str] = {}
    for fill in fills:
        number = fill.exchange_order_id
        if fill.client_order_id or fill.forced or find_order(account.pk, fill):
            yield fill
            continue
        if number not in names:
            names[number] = _name_of(account, fill)
        yield replace(fill, client_order_id=names[number], forced=forced_by(names[number]))


def _name_of(account: ExchangeAccount, fill: FillReport) -> str:
    try:
        return session.call(account, lambda c: c.name_of_order(fill.symbol, fill.exchange_order_id))
    except OrderNotFound:
        return ""


def _move_cursor(
    account: ExchangeAccount,
    instrument: Instrument,
    cursor: FillCursor | None,
    fills: Sequence[FillReport],
    asked_at: datetime,
) -> None:
    settled = [fill.trade_id for fill in fills if fill.at <= asked_at - LISTING_LAG]
    last = settled[-1] if settled else cursor.trade_id if cursor else ""
    FillCursor.objects.update_or_create(
        account=account, symbol=instrument.exchange_symbol, defaults={"trade_id": last, "read_at": asked_at}
    )


def _judge_stream(account: ExchangeAccount, news: Sequence[FillReport], asked_at: datetime) -> None:
    watched = AccountWatch.objects.filter(account=account, stream_failures=0).first()
    if watched is None or watched.stream_connected_at is None:
        return
    due = asked_at - STREAM_PATIENCE
    if any(watched.stream_connected_at + LISTING_LAG < fill.at < due for fill in news):
        logger.warning("account %s: the stream is open but did not tell every execution", account.name)
        watch.missed(account.pk)


def _short_of_executions(account: ExchangeAccount) -> QuerySet[Order]:
    """An execution of an order of ours is missing, and may still be listed."""
    furthest = timezone.now() - FURTHEST_BACK
    given_up = RiskEvent.objects.filter(account=account, event_type=NEVER_LISTED, created_at__gte=furthest)
    told = Coalesce(Sum("fills__quantity"), 0, output_field=Order._meta.get_field("quantity"))
    filled = Order.objects.filter(account=account, filled_quantity__gt=0, created_at__gte=furthest)
    hoped_for = filled.exclude(client_order_id__in=list(given_up.values_list("details__order", flat=True)))
    hoped_for = hoped_for.exclude(client_order_id__startswith=OF_OLDER_BOTS)
    return hoped_for.annotate(told=told).filter(told__lt=F("filled_quantity"))


def _give_up_on(account: ExchangeAccount, instrument: Instrument) -> None:
    """The exchange has answered and does not list it: the owner is told, and nobody asks for ever."""
    quiet = Q(updated_at__lt=timezone.now() - NEVER_LISTED_AFTER, position__instrument=instrument)
    for order in _short_of_executions(account).filter(quiet):
        events.record(
            NEVER_LISTED,
            "critical",
            account_id=account.pk,
            position_id=order.position_id,
            order=order.client_order_id,
        )


def _beginnings(short: QuerySet[Order]) -> dict[int, datetime]:
    """Instrument -> where to begin, whatever the cursor says."""
    found = short.order_by("-created_at").values_list("position__instrument", "created_at")
    return {
        instrument: max(at - BEFORE_THE_POSITION, timezone.now() - FURTHEST_BACK) for instrument, at in found
    }


def _held(account: ExchangeAccount) -> set[int]:
    """By us, or by a stranger: what he opens moves the same wallet when he closes it."""
    ours = Position.objects.filter(account=account, is_live=True).values_list("instrument", flat=True)
    return {*ours, *_held_by_strangers(account)}


def _held_by_strangers(account: ExchangeAccount) -> Iterator[int]:
    bought = Sum("quantity", filter=Q(side=Side.BUY), default=0)
    sold = Sum("quantity", filter=Q(side=Side.SELL), default=0)
    recent = timezone.now() - FURTHEST_BACK
    foreign = Fill.objects.filter(account=account, position=None, executed_at__gte=recent)
    foreign = foreign.exclude(trade_id__startswith=OF_OLDER_BOTS)
    by = ("symbol",) if account.position_mode == PositionMode.ONE_WAY else ("symbol", "position_side")
    legs = foreign.values(*by).annotate(left=bought - sold).exclude(left=0).values_list("symbol", flat=True)
    listed = Instrument.objects.filter(venue=account.venue, exchange_symbol__in=list(legs))
    yield from listed.values_list("pk", flat=True)


def _ended_unread(account: ExchangeAccount) -> set[int]:
    """Contracts not read since a position in them ended: what a stranger did to it may still be unknown."""
    read = FillCursor.objects.filter(account=account, symbol=OuterRef("instrument__exchange_symbol"))
    ended = Position.objects.filter(account=account, closed_at__gte=timezone.now() - FURTHEST_BACK)
    unread = ended.annotate(read_at=Subquery(read.values("read_at"))).filter(
        Q(read_at=None) | Q(read_at__lt=F("closed_at") + LISTING_LAG), opened_at__isnull=False
    )
    return set(unread.values_list("instrument", flat=True))


def _traded_unread(account: ExchangeAccount) -> set[int] | None:
    """Who opens and closes while no stream tells it leaves nothing that a comparison sees, and the wallet moved. None:
    it was not asked, or not answered."""
    watched = AccountWatch.objects.filter(account=account).first()
    if watched is None or not _must_ask_for_trades(watched):
        return None
    since = (watched.trades_known_until or watched.stream_connected_at or timezone.now()) - READ_AGAIN_AFTER
    try:
        traded = session.call(account, lambda client: client.last_trades(since))
    except ExchangeError as error:
        reachability.hear(account.pk, error)
        logger.warning("contracts of %s with executions could not be listed: %s", account.name, error)
        return None
    return {
        found.pk
        for found in _instruments(account, traded)
        if _is_unread(account, found, traded[found.symbol])
    }


def _must_ask_for_trades(watched: AccountWatch) -> bool:
    known, opened = watched.trades_known_until, watched.stream_connected_at
    if known is None or (opened is not None and known < opened):
        return True
    return known < timezone.now() - READ_AGAIN_AFTER


def _instruments(account: ExchangeAccount, symbols: Iterable[str]) -> QuerySet[Instrument]:
    return Instrument.objects.filter(venue=account.venue, symbol__in=list(symbols))


def _is_unread(account: ExchangeAccount, instrument: Instrument, traded_at: datetime) -> bool:
    read = FillCursor.objects.filter(account=account, symbol=instrument.exchange_symbol)
    return not read.filter(read_at__gte=traded_at + LISTING_LAG).exists()


def _due(account: ExchangeAccount) -> set[int]:
    opened_at = (
        AccountWatch.objects.filter(account=account).values_list("stream_connected_at", flat=True).first()
    )
    since = timezone.now() - READ_AGAIN_AFTER
    recent = FillCursor.objects.filter(account=account, read_at__gte=max(since, opened_at or since))
    read = Instrument.objects.filter(
        venue=account.venue, exchange_symbol__in=recent.values_list("symbol", flat=True)
    )
    return _held(account) - set(read.values_list("pk", flat=True))
