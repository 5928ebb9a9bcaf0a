"""How the first bot protected a position, as a plan and a trailing row of ours. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exchanges.types import PositionSide
from ops.legacy.mapping.positions import OldPosition
from ops.legacy.mapping.reading import Row, moment, number, positive, price, text, truth
from trailing.distances import activation_price
from trailing.engine import HUNDRED, Entry, StopReason, TrailingPhase
from trailing.plan import ProtectionPlan
from trailing.protection import stop_loss
from trailing.rules import Ladder, Level, PercentStop, PercentTrail, PriceTarget

# of the environment of the old bot, where the row does not say it
STOP_PERCENT, ACTIVATION_PERCENT, CALLBACK_PERCENT = Decimal(2), Decimal("1.5"), Decimal("0.5")
NO_STATE: Row = {}
PERCENT = Decimal("0.0001")
# a state of an earlier position in the same leg was entered elsewhere
SAME_ENTRY_PERCENT = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class OldTrail:
    """`known_until`: the best price is told up to then."""

    phase: TrailingPhase
    high_water_mark: Decimal | None
    stop_price: Decimal
    stop_reason: StopReason
    activation_price: Decimal | None
    update_count: int
    activated_at: datetime | None
    known_until: datetime | None


def plan(row: Row, state: Row, old: OldPosition) -> ProtectionPlan:
    target = take_profit(row, old)
    return ProtectionPlan(
        stop_loss=PercentStop(percent=_stop_percent(row, old)),
        trailing=_trail(row, state) if _trails(row, state) else None,
        take_profits=Ladder(levels=(Level(at=PriceTarget(price=target), close_ratio=Decimal(1)),))
        if target
        else None,
    )


def take_profit(row: Row, old: OldPosition) -> Decimal | None:
    """On the side of profit; anything else was never one."""
    target = price(row, "take_profit_price", "take_profit")
    if target is None or old.entry_price is None:
        return None
    return target if (target - old.entry_price) * old.position_side.sign > 0 else None


def trail(row: Row, state: Row, old: OldPosition, price_increment: Decimal) -> OldTrail:
    """Of an open position: its entry price is known."""
    wished = plan(row, state, old)
    entry = Entry(old.position_side, old.entry_price or Decimal(0), price_increment, old.leverage)
    best = best_price(state, old.position_side)
    is_active = truth(state, "is_activated") or text(state, "state").lower() in ("active", "triggered")
    stop, reason = _stop(row, state, entry, stop_loss(entry, wished.stop_loss), best if is_active else None)
    return OldTrail(
        phase=TrailingPhase.ACTIVE if is_active and wished.trailing else TrailingPhase.WAITING,
        high_water_mark=best,
        stop_price=stop,
        stop_reason=reason,
        activation_price=activation_price(entry, wished.trailing) if wished.trailing else None,
        update_count=int(number(state, "update_count") or 0),
        activated_at=moment(state, "activated_at") if is_active else None,
        known_until=moment(state, "last_peak_save_time", "last_update_time") or old.told_at,
    )


def best_price(state: Row, side: PositionSide) -> Decimal | None:
    told = [price(state, "highest_price" if side is PositionSide.LONG else "lowest_price")]
    told.append(price(state, "last_saved_peak_price"))
    known = [one for one in told if one is not None]
    return max(known, key=lambda one: one * side.sign, default=None)


def is_of(state: Row, old: OldPosition) -> bool:
    """Whether a state of this leg, which names no position, is this one's: it was entered at the same price."""
    entered = price(state, "entry_price")
    if entered is None or old.entry_price is None:
        return True
    return abs(entered - old.entry_price) <= old.entry_price * SAME_ENTRY_PERCENT / HUNDRED


def _stop(
    row: Row, state: Row, entry: Entry, first: Decimal, best: Decimal | None
) -> tuple[Decimal, StopReason]:
    """The most protective that the old bot had; one beyond the best price ever seen protected nothing."""
    limit = best if best is not None else entry.price
    told = [price(state, name) for name in ("current_stop_price", "last_updated_sl_price")]
    told += [price(row, name) for name in ("stop_loss_price", "stop_loss")]
    on_its_side = [one for one in told if one is not None and entry.is_better(limit, one)]
    stop = max(map(entry.away_from_market, on_its_side), key=lambda one: one * entry.side.sign, default=first)
    if stop <= 0 or not entry.is_better(stop, first):
        return first, StopReason.STOP_LOSS
    return stop, _reason(entry, stop, best)


def _reason(entry: Entry, stop: Decimal, best: Decimal | None) -> StopReason:
    if best is not None:
        return StopReason.TRAILING
    return StopReason.BREAKEVEN if not entry.is_better(entry.price, stop) else StopReason.STOP_LOSS


def _stop_percent(row: Row, old: OldPosition) -> Decimal:
    if said := _percent(positive(row, "signal_stop_loss_percent")):
        return said
    stop = price(row, "stop_loss_price", "stop_loss")
    if stop is None or old.entry_price is None:
        return STOP_PERCENT
    away = (old.entry_price - stop) * old.position_side.sign / old.entry_price * HUNDRED
    return _percent(away) or STOP_PERCENT


def _trails(row: Row, state: Row) -> bool:
    said = (state, truth(row, "has_trailing_stop"), positive(row, "trailing_activation_percent"))
    return any(said) or "has_trailing_stop" not in row


def _trail(row: Row, state: Row) -> PercentTrail:
    activation = positive(state, "activation_percent") or positive(row, "trailing_activation_percent")
    callback = positive(state, "callback_percent") or positive(
        row, "trailing_callback_percent", "trailing_callback"
    )
    return PercentTrail(
        activation_percent=_percent(activation) or ACTIVATION_PERCENT,
        callback_percent=_percent(callback) or CALLBACK_PERCENT,
    )


def _percent(value: Decimal | None) -> Decimal | None:
    """As a plan may have it."""
    rounded = None if value is None else value.quantize(PERCENT)
    return rounded if rounded is not None and 0 < rounded < HUNDRED else None
