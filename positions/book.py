"""What is held, counted from rows for the risk limits. Call with the locks of the opening, or to show it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, DecimalField, ExpressionWrapper, F, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from exchanges.models import AccountBalance
from exchanges.types import PositionSide
from positions.equity_track import EquityTrack
from positions.lifecycle import PositionStatus
from positions.models import AccountEquity, Position, RiskLimits
from positions.risk_levels import Levels
from positions.risk_limits import Book, Held, Limits, LimitsByScope, Rule, Scope, tiers_from
from signals_app.models import Strategy

AMOUNT: Any = DecimalField(max_digits=40, decimal_places=16)
ZERO = Decimal(0)
BASE = F("quantity") * F("instrument__contract_size")
NOTIONAL = Greatest(F("planned_notional"), BASE * F("reference_price"), output_field=AMOUNT)
MARGIN = ExpressionWrapper(NOTIONAL / F("leverage"), output_field=AMOUNT)
TO_THE_STOP = Case(
    When(position_side=PositionSide.LONG, then=F("average_entry_price") - F("trailing_stop__stop_price")),
    default=F("trailing_stop__stop_price") - F("average_entry_price"),
    output_field=AMOUNT,
)
# a stop beyond the entry risks nothing; what is still being bought risks what was planned
RISK = Case(
    When(status=PositionStatus.OPENING, then=F("planned_risk")),
    When(
        trailing_stop__stop_price__isnull=False,
        average_entry_price__isnull=False,
        then=Greatest(TO_THE_STOP * BASE, ZERO, output_field=AMOUNT),
    ),
    default=F("planned_risk"),
    output_field=AMOUNT,
)
TRACK_FIELDS = tuple(EquityTrack.__dataclass_fields__)


def live_positions() -> QuerySet[Position]:
    return Position.objects.filter(is_live=True)


def held_in(positions: QuerySet[Position], symbol: str = "", side: str = "") -> Held:
    """Without a symbol: what the symbol with most margin has."""
    on_symbol = Q(instrument__exchange_symbol=symbol)
    counted = positions.aggregate(
        positions=Count("pk"),
        on_symbol=Count("pk", filter=on_symbol),
        on_side=Count("pk", filter=Q(position_side=side)),
        exposure=Coalesce(Sum(NOTIONAL), ZERO, output_field=AMOUNT),
        margin=Coalesce(Sum(MARGIN), ZERO, output_field=AMOUNT),
        margin_on_symbol=Coalesce(Sum(MARGIN, filter=on_symbol), ZERO, output_field=AMOUNT),
        risk=Coalesce(Sum(RISK), ZERO, output_field=AMOUNT),
    )
    if not symbol:
        by_symbol = positions.values("instrument__exchange_symbol").annotate(margin=Sum(MARGIN))
        counted["margin_on_symbol"] = max((row["margin"] for row in by_symbol), default=ZERO)
    return Held(**counted)


def book_of(
    account_id: int,
    limits: LimitsByScope,
    *,
    symbol: str = "",
    side: str = "",
    strategy_id: int | None = None,
) -> Book:
    here = live_positions().filter(account=account_id)
    held = {Scope.ACCOUNT: held_in(here, symbol, side)}
    if strategy_id is not None and limits[Scope.STRATEGY].counts:
        held[Scope.STRATEGY] = held_in(here.filter(strategy=strategy_id), symbol, side)
    if limits[Scope.GLOBAL].counts:
        held[Scope.GLOBAL] = held_in(live_positions(), symbol, side)
    balance = AccountBalance.objects.filter(account=account_id).first()
    track = track_of(account_id)
    return Book(
        held=held,
        equity=balance.equity if balance else None,
        available_balance=balance.available_balance if balance else None,
        daily_loss=_today(track),
        drawdown=track.drawdown if track else ZERO,
    )


def track_of(account_id: int) -> EquityTrack | None:
    row = AccountEquity.objects.filter(account=account_id).values(*TRACK_FIELDS).first()
    return EquityTrack(**row) if row else None


def _today(track: EquityTrack | None) -> Decimal:
    """What was lost yesterday does not count before the first look of today."""
    return track.daily_loss if track and track.day == timezone.now().date() else ZERO


def limit_rows(account_id: int, strategy_id: int | None = None) -> dict[Scope, RiskLimits]:
    wanted = Q(account=None, strategy=None) | Q(account=account_id)
    if strategy_id is not None:
        wanted |= Q(strategy=strategy_id)
    return {_scope(row): row for row in RiskLimits.objects.filter(wanted)}


def _scope(row: RiskLimits) -> Scope:
    if row.account_id is not None:
        return Scope.ACCOUNT
    return Scope.GLOBAL if row.strategy_id is None else Scope.STRATEGY


def limits_of(row: RiskLimits | None, **said_elsewhere: Any) -> Limits:
    """`said_elsewhere`: what stands in the row of the account or the strategy itself."""
    if row is None:
        return Limits(**said_elsewhere)
    names = (name for name in Limits.__dataclass_fields__ if name not in ("notional_tiers", *said_elsewhere))
    return Limits(
        **{name: getattr(row, name) for name in names},
        **said_elsewhere,
        notional_tiers=tiers_from(row.notional_tiers),
    )


def limits_on(account: Any, strategy: Strategy | None = None) -> dict[Scope, Limits]:
    rows = limit_rows(account.pk, strategy.pk if strategy else None)
    limits = {
        Scope.GLOBAL: limits_of(rows.get(Scope.GLOBAL)),
        Scope.ACCOUNT: limits_of(
            rows.get(Scope.ACCOUNT),
            max_positions=account.max_open_positions,
            max_exposure=account.max_exposure,
        ),
    }
    if strategy is not None:
        row = rows.get(Scope.STRATEGY)
        limits[Scope.STRATEGY] = limits_of(row, max_positions=strategy.max_open_positions)
    return limits


def levels_of(row: RiskLimits, rule: Rule) -> Levels:
    """A counted limit refuses what would pass it, and that ends by itself: there is nothing to switch."""
    warn_at = Decimal(row.warn_at)
    if not rule.is_loss:
        return Levels(warn_at, ZERO, ZERO)
    return Levels(warn_at, Decimal(row.reduce_at), Decimal(row.halt_at))
