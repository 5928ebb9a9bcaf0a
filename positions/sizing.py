"""How much to buy. Pure: money and limits in, a quantity or a reason out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from exchanges.types import InstrumentSpec
from signals_app.reasons import ReasonCode

HUNDRED = Decimal(100)
# an order below the venue's minimum may be raised to it when that costs at most a tenth more than wanted
MINIMUM_STRETCH = Decimal("1.1")


@dataclass(frozen=True, slots=True)
class Skip:
    """An expected no, with the sentence the owner reads."""

    reason: str
    code: ReasonCode = ReasonCode.NOT_OPENED


@dataclass(frozen=True, slots=True)
class Sized:
    """quantity in contracts, notional and margin in quote currency."""

    quantity: Decimal
    notional: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True)
class SizingPlan:
    """notional: the size wanted, or the most that the other ways may take. equity_percent: of equity, the notional.
    risk_percent: of equity, or of risk_balance where given, lost at the stop. With neither the notional is the size.
    times: what a profile makes of the size; max_margin 0: no such limit."""

    notional: Decimal
    leverage: int
    stop_loss_percent: Decimal
    risk_percent: Decimal | None = None
    equity_percent: Decimal | None = None
    risk_balance: Decimal | None = None
    times: Decimal = Decimal(1)
    max_margin: Decimal = Decimal(0)
    exactly: Decimal | None = None  # so many contracts, whatever they are worth


def size(plan: SizingPlan, spec: InstrumentSpec, mark_price: Decimal, equity: Decimal | None) -> Sized | Skip:
    if mark_price <= 0:
        return Skip("no usable mark price")
    if plan.exactly is not None:
        return _sized(plan.exactly, plan, spec, mark_price)
    target = _target_notional(plan, equity)
    if isinstance(target, Skip):
        return target
    quantity = _quantity(target, spec, mark_price)
    if isinstance(quantity, Skip):
        return quantity
    return _sized(quantity, plan, spec, mark_price)


def _sized(quantity: Decimal, plan: SizingPlan, spec: InstrumentSpec, mark_price: Decimal) -> Sized:
    notional = quantity * mark_price * spec.contract_size
    return Sized(quantity, notional, notional / plan.leverage)


def _target_notional(plan: SizingPlan, equity: Decimal | None) -> Decimal | Skip:
    wanted = _wanted_notional(plan, equity)
    if isinstance(wanted, Skip):
        return wanted
    target = wanted * plan.times
    return min(target, plan.max_margin * plan.leverage) if plan.max_margin else target


def _wanted_notional(plan: SizingPlan, equity: Decimal | None) -> Decimal | Skip:
    if plan.risk_percent is None and plan.equity_percent is None:
        return plan.notional
    counted = equity if plan.risk_balance is None else plan.risk_balance
    if counted is None or counted <= 0:
        way = "sizing by equity" if plan.risk_percent is None else "risk sizing"
        return Skip(f"equity of the account is not known, {way} needs it", ReasonCode.EQUITY_UNKNOWN)
    if plan.risk_percent is None:
        return min(counted * (plan.equity_percent or Decimal(0)) / HUNDRED, plan.notional)
    at_risk = counted * plan.risk_percent / HUNDRED
    return min(at_risk / (plan.stop_loss_percent / HUNDRED), plan.notional)


def _quantity(target: Decimal, spec: InstrumentSpec, mark_price: Decimal) -> Decimal | Skip:
    unit = mark_price * spec.contract_size
    quantity = floor_to(target / unit, spec.size_increment)
    if spec.max_quantity is not None:
        quantity = min(quantity, floor_to(spec.max_quantity, spec.size_increment))
    minimum = ceil_to(max(spec.min_quantity, spec.min_notional / unit), spec.size_increment)
    if quantity >= minimum:
        return quantity
    if minimum * unit <= target * MINIMUM_STRETCH:
        return minimum
    return Skip(f"{target:.2f} is below the exchange's minimum of {minimum * unit:.2f}")


def floor_to(value: Decimal, increment: Decimal) -> Decimal:
    return (value / increment).to_integral_value(ROUND_FLOOR) * increment


def ceil_to(value: Decimal, increment: Decimal) -> Decimal:
    return (value / increment).to_integral_value(ROUND_CEILING) * increment
