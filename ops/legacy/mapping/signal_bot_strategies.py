"""Tickers, phrases and strategies of the v2/v4 signal bots as values of ours. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from ops.legacy.mapping.reading import Rejection, Row, needed, positive, text
from ops.legacy.mapping.signal_bot_plans import PlanReading
from ops.legacy.mapping.switches import is_off, is_on
from signals_app.routing import OppositeSignal, SignalDirection
from signals_app.shapes.fields import plain_symbol
from signals_app.shapes.signal import Refused, phrase_key
from trailing.rules import PercentStop

HUNDRED = Decimal(100)
MOST_LEVERAGE = 125
LONGEST_PHRASE = 200
# switches of the older bots that watch over a strategy from outside; here a person does
WATCHERS = (
    "market_watcher", "deathrow", "blacklist_watcher", "trader_winner", "auditor_enabled", "market_mirrow",
    "market_mirrow_long", "market_mirrow_short",
)  # fmt: skip


def symbol(row: Row) -> str:
    said = needed(row, "symbol")
    try:
        return plain_symbol(said)
    except Refused as refusal:
        raise Rejection(str(refusal)) from None


def ticker(row: Row) -> dict[str, Any]:
    return {
        "symbol": symbol(row),
        "enabled": is_on(row, "status", "is_active", unsaid=True),
        "trade_permission": is_on(row, "tradepermission", unsaid=True),
    }


def phrases(signal: Row) -> dict[str, SignalDirection]:
    """Phrase -> direction. A phrase that stands for both was taken for a long."""
    if is_off(signal, "enabled"):
        raise Rejection("the signal was switched off")
    if text(signal, "signal_type").lower() == "exit":
        raise Rejection("a signal to leave: which leg it closes is not on record")
    named = ((SignalDirection.LONG, "long_phrase"), (SignalDirection.SHORT, "short_phrase"))
    said = {direction: " ".join(text(signal, column).split()) for direction, column in named}
    if any(len(phrase) > LONGEST_PHRASE for phrase in said.values()):
        raise Rejection(f"a phrase has more than {LONGEST_PHRASE} characters")
    if not any(said.values()):
        raise Rejection("it has no phrase")
    if phrase_key(said[SignalDirection.LONG]) == phrase_key(said[SignalDirection.SHORT]):
        del said[SignalDirection.SHORT]
    return {phrase: direction for direction, phrase in said.items() if phrase}


@dataclass(frozen=True, slots=True)
class StrategyReading:
    """max_exposure 0: no limit. notes: what its owner should know before it is switched on."""

    name: str
    columns: dict[str, Any]
    max_exposure: Decimal
    notes: tuple[str, ...]


def strategy(row: Row, reading: PlanReading) -> StrategyReading:
    leverage = _leverage(row)
    return StrategyReading(
        name=needed(row, "name"),
        columns={
            # what it traded on is not on record, and nothing may trade before its owner looked at it
            "enabled": False,
            "archived": is_on(row, "archived", unsaid=False),
            "allow_open": is_on(row, "allow_open", unsaid=True),
            "use_all_tickers": is_on(row, "use_all_tickers", unsaid=False),
            "leverage": leverage,
            "protection": reading.plan.as_json(),
            "max_open_positions": _most_positions(row, reading, leverage),
            "opposite_signal": _opposite(row, reading),
            **_size(row, leverage),
        },
        max_exposure=round((positive(row, "deposit") or Decimal(0)) * leverage, 2),
        notes=(*_was(row), *reading.notes, *_unsized(row)),
    )


def _leverage(row: Row) -> int:
    said = positive(row, "leverage") or Decimal(1)
    return min(max(int(said), 1), MOST_LEVERAGE)


def _size(row: Row, leverage: int) -> dict[str, Any]:
    """They risked a percent of a deposit that was written down, and never more than a margin."""
    deposit, risk, margin = _money(row)
    if margin is None:
        return {}
    notional = {"notional": round(margin * leverage, 2)}
    if deposit is None or risk is None or risk > HUNDRED:
        return {"sizing_mode": "fixed_notional"} | notional
    by_risk = {
        "sizing_mode": "fixed_risk_balance",
        "risk_balance": round(deposit, 2),
        "risk_percent": round(risk, 4),
    }
    return by_risk | notional


def _money(row: Row) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    return positive(row, "deposit"), positive(row, "max_risk"), positive(row, "position_limit")


def _unsized(row: Row) -> Iterator[str]:
    if positive(row, "position_limit") is None:
        yield "how large its positions were is not on record"


def _most_positions(row: Row, reading: PlanReading, leverage: int) -> int:
    """The risk and the deposit were shared by all that it held: so many whole positions fitted in."""
    deposit, risk, margin = _money(row)
    if deposit is None or margin is None:
        return 5
    fitting = [deposit / margin]
    stop = reading.plan.stop_loss
    if risk is not None and isinstance(stop, PercentStop):
        fitting.append(deposit * risk / (margin * leverage * stop.percent))
    return max(int(min(fitting).to_integral_value(ROUND_FLOOR)), 1)


def _opposite(row: Row, reading: PlanReading) -> OppositeSignal:
    """A strategy that turns round only did so with the protection beside it."""
    turns, protects = is_on(row, "reverse", unsaid=False), is_on(row, "sl_protection", unsaid=False)
    if not protects:
        return OppositeSignal.IGNORE
    if not turns:
        return OppositeSignal.PROTECT
    if reading.first_waits_for_signal:
        return OppositeSignal.CLOSE
    has_levels = reading.plan.take_profits is not None
    return OppositeSignal.PROTECT_REVERSE if has_levels else OppositeSignal.IGNORE


def _was(row: Row) -> Iterator[str]:
    yield f"switched off here, it was {'on' if is_on(row, 'enabled', unsaid=False) else 'off'}"
    if watched := [name for name in WATCHERS if is_on(row, name, unsaid=False)]:
        yield f"not carried over: {', '.join(watched)}"
