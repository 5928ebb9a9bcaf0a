"""Every read used by screens. Nothing here writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Min, Prefetch, QuerySet, Sum
from django.utils import timezone

from exchanges.marks import latest_marks
from exchanges.models import (
    KEYS,
    KEYS_OF_ACCOUNT,
    ExchangeAccount,
)
from exchanges.types import BreakerState, PositionSide
from positions import formats, health_strip
from positions.accounting import QUOTE_CURRENCIES
from positions.cover import whole_stops
from positions.live_rows import Held, Row, order_row, position_row, signal_row
from positions.models import Fill, FundingPayment, InvariantCheck, Order, Position
from positions.notices import notices
from signals_app.models import SignalLog, SignalLogEntry, Ticker

LOG_LENGTH = 50
# four times the interval at which they are asked
VERDICT_LASTS = timedelta(seconds=60)


def snapshot(now: datetime | None = None, held: Collection[Held] | None = None) -> dict[str, Any]:
    """The whole page as one value."""
    now = now or timezone.now()
    held = held_positions(now=now) if held is None else held
    return {
        "at": now.isoformat(),
        "mode": mode(),
        "positions": [position_row(one, now) for one in held],
        "orders": order_rows(now=now),
        "signals": signal_rows(now=now),
        "figures": figures(held, now),
        "notices": notices(),
        "health": health_strip.chips(now),
    }


def mode() -> str:
    return "PAPER" if settings.DRY_RUN else "LIVE"


def live_positions(
    strategy_id: int | None = None,
    exchange_symbol: str | None = None,
    position_side: str | None = None,
) -> list[dict[str, Any]]:
    """Id, side and status of the live positions that match everything given."""
    asked = {
        "strategy_id": strategy_id,
        "instrument__exchange_symbol": exchange_symbol,
        "position_side": position_side,
    }
    matching = Position.objects.filter(is_live=True, **{k: v for k, v in asked.items() if v is not None})
    return [dict(row) for row in matching.order_by("pk").values("id", "position_side", "status")]


def held_positions(ids: Collection[int] | None = None, *, now: datetime | None = None) -> list[Held]:
    """Live positions, oldest first; those of `ids` that have ended are left out."""
    rows = Position.objects.filter(is_live=True).order_by("created_at", "pk")
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    related = rows.select_related("account__watch", "instrument", "strategy", "trailing_stop")
    positions = list(related.defer(*KEYS_OF_ACCOUNT))
    stops = _standing_stops(positions)
    marks = _marks(positions, now or timezone.now())
    return [_held(position, stops, marks) for position in positions]


def held_position(position_id: int, now: datetime | None = None) -> Held | None:
    return next(iter(held_positions([position_id], now=now)), None)


def _held(position: Position, stops: dict[int, Decimal], marks: dict[tuple[str, str], Decimal]) -> Held:
    instrument, trailing = position.instrument, getattr(position, "trailing_stop", None)
    watch = getattr(position.account, "watch", None)
    is_watched_here = position.software_stop_since is not None and position.handed_over_at is None
    return Held(
        id=position.pk,
        account=position.account.name,
        venue=position.account.venue,
        symbol=instrument.symbol,
        exchange_symbol=instrument.exchange_symbol,
        price_increment=instrument.price_increment,
        strategy=position.strategy.name if position.strategy else "",
        position_side=PositionSide(position.position_side),
        status=position.status,
        quantity=position.quantity,
        planned_quantity=position.planned_quantity,
        entry_price=position.average_entry_price,
        leverage=position.leverage,
        mark_price=marks.get((position.account.venue, instrument.exchange_symbol)),
        stop_price=stops.get(position.pk),
        phase=trailing.state if trailing else "",
        activation_price=trailing.activation_price if trailing else None,
        since=position.opened_at or position.created_at,
        software_stop=trailing.stop_price if trailing and is_watched_here else None,
        is_unverified=bool(watch and watch.breaker != BreakerState.CLOSED),
        verified_at=watch.reconciled_at if watch else None,
        is_handed_over=position.handed_over_at is not None,
    )


def _standing_stops(positions: Iterable[Position]) -> dict[int, Decimal]:
    """The most protective trigger of those for all it holds, by position."""
    triggers: dict[int, list[Decimal]] = defaultdict(list)
    whole = whole_stops().filter(position__in=positions, trigger_price__isnull=False)
    for position_id, trigger in whole.values_list("position_id", Min("trigger_price")):
        triggers[position_id].append(trigger)
    best = {p.pk: max if p.position_side == PositionSide.LONG else min for p in positions}
    return {position_id: best[position_id](prices) for position_id, prices in triggers.items()}


def _marks(positions: Iterable[Position], now: datetime) -> dict[tuple[str, str], Decimal]:
    """What is known and young enough, by venue and exchange symbol."""
    symbols: dict[str, set[str]] = defaultdict(set)
    for position in positions:
        symbols[position.account.venue].add(position.instrument.exchange_symbol)
    return {
        (venue, symbol): price
        for venue, asked in symbols.items()
        for symbol, price in latest_marks(venue, asked, now).items()
    }


def order_rows(ids: Collection[str] | None = None, *, now: datetime | None = None) -> list[Row]:
    rows = Order.objects.select_related("position__instrument").order_by("-created_at", "-pk")
    return [order_row(order, now or timezone.now()) for order in _newest(rows, ids)]


def signal_rows(ids: Collection[int] | None = None, *, now: datetime | None = None) -> list[Row]:
    entries = (
        SignalLogEntry.objects.select_related("strategy", "account").defer(*KEYS_OF_ACCOUNT).order_by("pk")
    )
    rows = SignalLog.objects.prefetch_related(Prefetch("entries", entries)).order_by("-received_at", "-pk")
    return [signal_row(log, now or timezone.now()) for log in _newest(rows, ids)]


def _newest(rows: QuerySet[Any], ids: Collection[Any] | None) -> QuerySet[Any]:
    return (rows if ids is None else rows.filter(pk__in=ids))[:LOG_LENGTH]


def figures(held: Collection[Held], now: datetime) -> dict[str, Any]:
    accounts = list(ExchangeAccount.objects.select_related("balance").defer(*KEYS).order_by("name"))
    known = [(a.name, a.balance) for a in accounts if hasattr(a, "balance")]
    equity = sum((balance.equity for _, balance in known), Decimal(0)) if known else None
    today, other_fees = _today(now)
    return open_pnl(held) | {
        "equity": formats.amount(equity),
        "accounts": [{"name": name, "equity": formats.amount(b.equity)} for name, b in known],
        "today": formats.change(today),
        "today_tone": formats.tone(today),
        "other_fees": other_fees,
        "today_arrow": formats.arrow(today),
        **_margin_used(held, equity),
        "open": str(len(held)),
        "most": _most([a.max_open_positions for a in accounts]),
        "watched": Ticker.objects.filter(enabled=True).count(),
    }


def _margin_used(held: Collection[Held], equity: Decimal | None) -> dict[str, str]:
    used = sum((one.margin for one in held), Decimal(0))
    share = used / equity * 100 if equity else None
    return {"margin": formats.amount(used), "margin_share": formats.percent(share)}


def _most(limits: Collection[int]) -> str:
    """0 is no limit."""
    return str(sum(limits)) if all(limits) else "any number"


def open_pnl(held: Collection[Held]) -> dict[str, str]:
    """Of all positions; unknown as long as the price of one that holds something is."""
    parts = [one.unrealized_pnl for one in held if one.quantity]
    total = sum((part for part in parts if part is not None), Decimal(0)) if None not in parts else None
    return {
        "open_pnl": formats.change(total),
        "open_pnl_tone": formats.tone(total),
        "open_pnl_arrow": formats.arrow(total),
    }


def _today(now: datetime) -> tuple[Decimal, str]:
    """Realized since midnight UTC, fees taken off, funding counted; fees in other coins are told apart."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    by_currency = (
        Fill.objects.filter(executed_at__gte=midnight)
        .values("fee_currency")
        .annotate(pnl=Sum("realized_pnl"), fees=Sum("fee"))
    )
    paid = FundingPayment.objects.filter(paid_at__gte=midnight).aggregate(total=Sum("amount"))["total"]
    total, others = paid or Decimal(0), []
    for row in by_currency:
        total += row["pnl"]
        if row["fee_currency"] in QUOTE_CURRENCIES:
            total -= row["fees"]
        elif row["fees"]:
            others.append(f"{formats.quantity(row['fees'])} {row['fee_currency']}")
    return total, ", ".join(others)


def ending(position_id: int) -> str:
    """One sentence on a position that is no longer live."""
    position = Position.objects.select_related("instrument").filter(pk=position_id).first()
    if position is None:
        return ""
    base, reason = position.instrument.symbol.split("/")[0], formats.words(position.close_reason)
    if position.opened_at is None:
        return f"{base} {position.position_side} was never opened: {reason}"
    result = formats.change(position.realized_pnl - position.fees + position.funding)
    others = fees_in_other_coins(position_id)
    besides = f", besides {others} of fees" if others else ""
    return f"{base} {position.position_side} closed: {reason}, {result} USDT after fees{besides}"


def fees_in_other_coins(position_id: int) -> str:
    """Nobody knows here what they are worth, so they are in no sum."""
    fills = Fill.objects.filter(position=position_id).exclude(fee_currency__in=QUOTE_CURRENCIES)
    paid = fills.order_by("fee_currency").values_list("fee_currency").annotate(fees=Sum("fee"))
    return ", ".join(f"{formats.quantity(fees)} {currency}" for currency, fees in paid if fees)


def invariant_checks(now: datetime | None = None) -> list[dict[str, Any]]:
    """Every sentence that must be true; None is unknown, never a yes."""
    columns = ("name", "is_true", "checked_at", "broken_since", "findings")
    checks = InvariantCheck.objects.order_by("name").values(*columns)
    return [dict(row) | {"is_true": verdict(row["is_true"], row["checked_at"], now)} for row in checks]


def verdict(is_true: bool | None, checked_at: datetime | None, now: datetime | None = None) -> bool | None:
    """What nobody has asked for a while is not known any more."""
    is_fresh = checked_at is not None and checked_at >= (now or timezone.now()) - VERDICT_LASTS
    return is_true if is_fresh else None
