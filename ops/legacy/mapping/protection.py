"""How the first bot protected a position, as a plan and a trailing row of ours. Pure.

A stop beyond the market of now never stood on the exchange: it would have ended the position. Believed, it would end it
at once, so the protection begins anew from that price, and whoever owns it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exchanges.types import PositionSide
from ops.legacy.mapping.positions import OldPosition
from ops.legacy.mapping.reading import Row, moment, number, positive, price, text, truth
from ops.legacy.mapping.settings import Usual, as_percent
from trailing.distances import activation_price
from trailing.engine import HUNDRED, Entry, StopReason, TrailingPhase, TrailingState
from trailing.plan import ProtectionPlan
from trailing.protection import is_crossed, protected, stop_loss
from trailing.rules import Ladder, Level, PercentStop, PercentTrail, PriceTarget


@dataclass(frozen=True, slots=True)
class OldProtection:
    """`known_until`: the best price is told up to then; None: up to now. `passed`: a stop that the market is beyond."""

    plan: ProtectionPlan
    state: TrailingState
    activation_price: Decimal | None
    update_count: int
    activated_at: datetime | None
    known_until: datetime | None
    passed: Decimal | None


def plan(row: Row, state: Row, old: OldPosition, usual: Usual) -> ProtectionPlan:
    target = take_profit(row, old)
    return ProtectionPlan(
        stop_loss=PercentStop(percent=stop_percent(row, old) or usual.stop_percent),
        trailing=_trail(row, state, usual) if _trails(row, state) else None,
        take_profits=Ladder(levels=(Level(at=PriceTarget(price=target), close_ratio=Decimal(1)),))
        if target
        else None,
    )


def take_profit(row: Row, old: OldPosition) -> Decimal | None:
    """On the side of profit; anything else was never one."""
    if "has_take_profit" in row and not truth(row, "has_take_profit"):
        return None
    target = price(row, "take_profit_price", "take_profit")
    if target is None or old.entry_price is None:
        return None
    return target if (target - old.entry_price) * old.position_side.sign > 0 else None


def protection(
    row: Row, state: Row, old: OldPosition, wished: ProtectionPlan, price_increment: Decimal, market: Decimal
) -> OldProtection:
    """Of an open position: its entry price is known. `market`: the price of now."""
    entry = Entry(old.position_side, old.entry_price or Decimal(0), price_increment, old.leverage)
    is_active = wished.trailing is not None and _was_active(row, state)
    taken = _told(row, state, entry, wished, is_active)
    stop, passed = protected(entry, wished, taken, None).stop_price, None
    if stop is not None and is_crossed(entry, stop, market):
        passed, wished = stop, _behind_market(entry, wished, market)
        taken = _anew(entry, wished, taken.phase, market)
    return OldProtection(
        plan=wished,
        state=taken,
        activation_price=activation_price(entry, wished.trailing) if wished.trailing else None,
        update_count=int(number(state, "update_count") or 0),
        activated_at=moment(state, "activated_at") if is_active else None,
        known_until=None if passed else _known_until(state) or old.told_at,
        passed=passed,
    )


def _behind_market(entry: Entry, wished: ProtectionPlan, market: Decimal) -> ProtectionPlan:
    """Where the market is beyond the first stop too, that one keeps its distance from the market."""
    first = stop_loss(entry, wished.stop_loss)
    if not is_crossed(entry, first, market):
        return wished
    away = abs(entry.price - first) / entry.price * HUNDRED
    percent = as_percent(_away(entry, entry.offset(market, -away)))
    return wished.model_copy(update={"stop_loss": PercentStop(percent=percent)}) if percent else wished


def _anew(entry: Entry, wished: ProtectionPlan, phase: TrailingPhase, market: Decimal) -> TrailingState:
    from_now = TrailingState(phase, market, stop_loss(entry, wished.stop_loss))
    return protected(entry, wished, from_now, None)


def _away(entry: Entry, stop: Decimal) -> Decimal:
    """Percent of the entry price, into loss."""
    return (entry.price - stop) * entry.side.sign / entry.price * HUNDRED


def best_price(state: Row, side: PositionSide) -> Decimal | None:
    told = [price(state, "highest_price" if side is PositionSide.LONG else "lowest_price")]
    told.append(price(state, "last_saved_peak_price"))
    known = [one for one in told if one is not None]
    return max(known, key=lambda one: one * side.sign, default=None)


def _known_until(state: Row) -> datetime | None:
    return moment(state, "last_peak_save_time", "last_update_time")


def _was_active(row: Row, state: Row) -> bool:
    """The earliest bot kept no states."""
    if not state:
        return truth(row, "trailing_activated")
    return truth(state, "is_activated") or text(state, "state").lower() in ("active", "triggered")


def _told(row: Row, state: Row, entry: Entry, wished: ProtectionPlan, is_active: bool) -> TrailingState:
    """The most protective stop that the old bot had; one beyond the best price ever seen protected nothing."""
    phase = TrailingPhase.ACTIVE if is_active else TrailingPhase.WAITING
    best, first = best_price(state, entry.side), stop_loss(entry, wished.stop_loss)
    limit = _limit(entry, best, price(row, "current_price"))
    on_its_side = (one for one in _stops(row, state) if limit is None or entry.is_better(limit, one))
    stop = max(map(entry.away_from_market, on_its_side), key=lambda one: one * entry.side.sign, default=first)
    if stop <= 0 or not entry.is_better(stop, first):
        return TrailingState(phase, best, first)
    return TrailingState(phase, best, stop, _reason(entry, stop, is_active))


def _stops(row: Row, state: Row) -> Iterator[Decimal]:
    told = [price(state, name) for name in ("current_stop_price", "last_updated_sl_price")]
    told += [price(row, name) for name in ("stop_loss_price", "stop_loss")]
    return (one for one in told if one is not None)


def _limit(entry: Entry, *seen: Decimal | None) -> Decimal | None:
    """None: which prices it saw is not on record."""
    known = [one for one in seen if one is not None]
    return max([*known, entry.price], key=lambda one: one * entry.side.sign) if known else None


def _reason(entry: Entry, stop: Decimal, is_active: bool) -> StopReason:
    if is_active:
        return StopReason.TRAILING
    return StopReason.BREAKEVEN if not entry.is_better(entry.price, stop) else StopReason.STOP_LOSS


def stop_percent(row: Row, old: OldPosition) -> Decimal | None:
    """Of the entry price. None: it is not on record."""
    if said := as_percent(positive(row, "signal_stop_loss_percent")):
        return said
    stop = price(row, "stop_loss_price", "stop_loss")
    if stop is None or old.entry_price is None:
        return None
    return as_percent((old.entry_price - stop) * old.position_side.sign / old.entry_price * HUNDRED)


def _trails(row: Row, state: Row) -> bool:
    said = (state, positive(row, "trailing_activation_percent"))
    switches = (truth(row, "has_trailing_stop"), truth(row, "trailing_activated"))
    return any((*said, *switches)) or "has_trailing_stop" not in row


def _trail(row: Row, state: Row, usual: Usual) -> PercentTrail:
    activation = positive(state, "activation_percent") or positive(row, "trailing_activation_percent")
    callback = positive(state, "callback_percent") or positive(
        row, "trailing_callback_percent", "trailing_callback"
    )
    return PercentTrail(
        activation_percent=as_percent(activation) or usual.activation_percent,
        callback_percent=as_percent(callback) or usual.callback_percent,
    )
