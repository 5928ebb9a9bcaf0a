"""Each risk limit, one at a time: an opening just beyond it must be refused for its very reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.types import PositionSide
from ops.verification.services import desk
from positions.models import AccountEquity, RiskLimits
from positions.sizing import Skip
from signals_app.models import Strategy
from signals_app.reasons import ReasonCode

PRICES = {"BTCUSDT": Decimal(100_000), "ETHUSDT": Decimal(3500)}
LOST = Decimal("0.9")  # what a share is worth after a loss of ten percent


@dataclass(frozen=True, slots=True)
class Case:
    """`before`: what is opened first and must be allowed; `limits` are the account's own row unless `of` says other."""

    wanted: ReasonCode
    limits: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    strategy: dict[str, Any] = field(default_factory=dict)
    before: tuple[tuple[str, PositionSide], ...] = ()
    has_lost: bool = False
    is_of_all: bool = False


LONG, SHORT = PositionSide
CASES = {
    "positions of all accounts": Case(
        ReasonCode.GLOBAL_POSITIONS, {"max_positions": 1}, before=(("ETHUSDT", LONG),), is_of_all=True
    ),
    "positions of the account": Case(
        ReasonCode.ACCOUNT_POSITIONS, account={"max_open_positions": 1}, before=(("ETHUSDT", LONG),)
    ),
    "positions of the strategy": Case(
        ReasonCode.STRATEGY_POSITIONS, strategy={"max_open_positions": 1}, before=(("ETHUSDT", LONG),)
    ),
    "positions of one symbol": Case(
        ReasonCode.SYMBOL_POSITIONS, {"max_positions_per_symbol": 1}, before=(("BTCUSDT", SHORT),)
    ),
    "positions of one direction": Case(
        ReasonCode.DIRECTION_POSITIONS, {"max_positions_per_direction": 1}, before=(("ETHUSDT", LONG),)
    ),
    "exposure of the account": Case(ReasonCode.ACCOUNT_EXPOSURE, account={"max_exposure": 999}),
    "leverage": Case(ReasonCode.LEVERAGE_LIMIT, {"max_leverage": 4}),
    "notional of one position": Case(
        ReasonCode.NOTIONAL_LIMIT, {"notional_tiers": [{"equity_from": 0, "max_notional": 999}]}
    ),
    "margin in use": Case(ReasonCode.UTILISATION_LIMIT, {"max_utilisation": Decimal("1.9")}),
    "margin of one symbol": Case(ReasonCode.CONCENTRATION_LIMIT, {"max_concentration": Decimal("1.9")}),
    "risk to the stops": Case(ReasonCode.TOTAL_RISK_LIMIT, {"max_total_risk": Decimal("0.19")}),
    "loss of the day": Case(ReasonCode.DAILY_LOSS, {"max_daily_loss": 10}, has_lost=True),
    "drawdown": Case(ReasonCode.DRAWDOWN, {"max_drawdown": 10}, has_lost=True),
}


def run() -> dict[str, Any]:
    desk.a_market()
    desk.an_account()
    desk.contracts_are_known()
    return {name: _tried(case) for name, case in CASES.items()}


def _tried(case: Case) -> dict[str, Any]:
    """Without the limit all of it opens, or the refusal would prove nothing."""
    account = desk.an_account(**case.account)
    strategy = desk.a_strategy(account, **case.strategy)
    if case.has_lost:
        _lose(account)
    with _limits_of(account, case):
        for symbol, side in case.before:
            _open(strategy, symbol, side, "before its limit was reached")
        said = desk.open_at(strategy, "BTCUSDT", LONG, PRICES["BTCUSDT"])
    if not isinstance(said, Skip):
        return {"wanted": str(case.wanted), "refused_by": ""}
    _without_limits(account, strategy)
    _open(strategy, "BTCUSDT", LONG, "without its limit")
    return {"wanted": str(case.wanted), "refused_by": str(said.code)}


def _open(strategy: Strategy, symbol: str, side: PositionSide, when: str) -> None:
    said = desk.open_at(strategy, symbol, side, PRICES[symbol])
    if isinstance(said, Skip):
        raise RuntimeError(f"{symbol} was not opened {when}: {said.reason}")


@contextmanager
def _limits_of(account: ExchangeAccount, case: Case) -> Iterator[None]:
    if not case.limits:
        yield
        return
    row = RiskLimits.objects.create(account=None if case.is_of_all else account, **case.limits)
    yield
    row.delete()


def _without_limits(account: ExchangeAccount, strategy: Strategy) -> None:
    ExchangeAccount.objects.filter(pk=account.pk).update(max_open_positions=0, max_exposure=0)
    Strategy.objects.filter(pk=strategy.pk).update(max_open_positions=0)


def _lose(account: ExchangeAccount) -> None:
    """Two looks that agree: a tenth is lost since the day began, and since the best day."""
    now = timezone.now()
    AccountEquity.objects.create(
        account=account, day=now.date(), looked_at=now, equity=desk.EQUITY, share=LOST, share_before=LOST,
        booked_from=now - timedelta(hours=1),
    )  # fmt: skip
