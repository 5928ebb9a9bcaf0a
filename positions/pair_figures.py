"""A pair and its trade, read from rows as the values that decide, and as the figures that pages show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from positions.arbitrage import Holding, Settings
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from positions.lifecycle import DONE, OrderPurpose, PositionStatus
from positions.models import Order, Position
from positions.pair_steps import Legs, LegState


@dataclass(frozen=True, slots=True)
class Result:
    """Of both positions, in quote currency, as far as their executions are known."""

    gross: Decimal
    fees: Decimal
    funding: Decimal

    @property
    def net(self) -> Decimal:
        return self.gross - self.fees + self.funding


def settings_of(pair: ArbitragePair) -> Settings:
    return Settings(
        entry_percent=pair.entry_percent,
        exit_percent=pair.exit_percent,
        stop_loss_percent=pair.stop_loss_percent,
        expected_holding=timedelta(minutes=pair.expected_holding_minutes),
        max_holding=timedelta(minutes=pair.max_holding_minutes),
        max_quote_age=timedelta(milliseconds=pair.max_quote_age_ms),
    )


def legs_of(trade: ArbitrageTrade) -> Legs:
    bought, sold = (_leg(position) for position in positions_of(trade))
    return bought, sold


def positions_of(trade: ArbitrageTrade) -> list[Position]:
    """The long one first; none at all where our own limits said no."""
    return [leg for leg in (trade.long_position, trade.short_position) if leg is not None]


def _leg(position: Position) -> LegState:
    entries = Order.objects.filter(position=position, purpose=OrderPurpose.ENTRY)
    refused = entries.exclude(reason="").values_list("reason", flat=True).first()
    return LegState(
        name=f"the {position.position_side} on {position.account.name}",
        status=PositionStatus(position.status),
        held=position.quantity * position.instrument.contract_size,
        was_held=position.opened_at is not None,
        entry_is_done=not entries.exclude(status__in=DONE).exists(),
        is_unwanted=position.close_reason != "",
        note=_note(position, refused or ""),
    )


def _note(position: Position, refused: str) -> str:
    if position.opened_at is None:
        return f"not opened: {refused or 'nobody said why'}"
    by = f", {position.close_requested_by}" if position.close_requested_by else ""
    return f"{position.close_reason}{by}"


def holding_of(trade: ArbitrageTrade) -> Holding:
    bought, sold = trade.long_position, trade.short_position
    return Holding(
        short=0 if trade.short_is_first else 1,
        quantity=trade.quantity,
        bought_at=(bought and bought.average_entry_price) or trade.buy_at,
        sold_at=(sold and sold.average_entry_price) or trade.sell_at,
        booked=result_of(trade).net,
        opened_at=trade.opened_at or trade.created_at,
    )


def result_of(trade: ArbitrageTrade) -> Result:
    legs = positions_of(trade)
    return Result(
        gross=sum((leg.realized_pnl for leg in legs), Decimal(0)),
        fees=sum((leg.fees for leg in legs), Decimal(0)),
        funding=sum((leg.funding for leg in legs), Decimal(0)),
    )
