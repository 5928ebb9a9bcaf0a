"""Between the paper engine's words and ours."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from exchanges.errors import ExchangeError
from exchanges.paper import candles
from exchanges.paper.book import VenueRefusal
from exchanges.types import Candle, OrderRequest, PositionMode, PositionSide, ReportStatus, TimeInForce
from exchanges.venue_codes import error_for_code

PLAIN_STATUS = {"NEW": ReportStatus.OPEN, "PARTIALLY_FILLED": ReportStatus.PARTIALLY_FILLED}
ALGO_STATUS = {
    "NEW": ReportStatus.OPEN,
    "TRIGGERING": ReportStatus.TRIGGERED,
    "TRIGGERED": ReportStatus.TRIGGERED,
    "FINISHED": ReportStatus.TRIGGERED,
}


def status_in(table: dict[str, ReportStatus], word: str) -> ReportStatus:
    return table.get(word) or ReportStatus(word.lower())


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def leg_of(position_side: str) -> PositionSide | None:
    """None in one-way mode, as from a venue."""
    return None if position_side == "BOTH" else PositionSide(position_side.lower())


def side_by(amount: Decimal) -> PositionSide:
    return PositionSide.SHORT if amount < 0 else PositionSide.LONG


def leg_word(request: OrderRequest) -> str:
    return request.position_side.upper() if request.position_mode is PositionMode.HEDGE else "BOTH"


def says_reduce_only(request: OrderRequest) -> bool:
    return request.reduce_only and request.position_mode is PositionMode.ONE_WAY


def candle(row: candles.Candle) -> Candle:
    return Candle(moment(row.open_ms), row.open, row.high, row.low, row.close, row.volume)


def good_till(request: OrderRequest) -> int:
    if request.time_in_force is not TimeInForce.GTD or request.expires_at is None:
        return 0
    return int(request.expires_at.timestamp() * 1000)


def contract_of(symbol: str) -> str:
    return symbol.split(":")[0].replace("/", "")


def translated(refusal: VenueRefusal) -> ExchangeError:
    return error_for_code("binance", str(refusal.code), refusal.message)
