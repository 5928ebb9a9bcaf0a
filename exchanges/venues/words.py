"""What every venue's words share: exact number texts, times, and the arguments of one create_order call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from exchanges.errors import InvalidRequest
from exchanges.types import FundingRate, OrderRequest, OrderType, Side

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OrderWords:
    """Arguments of ccxt's create_order. Numbers are texts, so nothing is rounded through a float."""

    symbol: str
    type: str
    side: str
    amount: str
    price: str | None = None
    params: dict[str, Any] = field(default_factory=dict)


def plain(number: Decimal) -> str:
    """Exact text without exponent and without trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def price_of(request: OrderRequest) -> str | None:
    if request.order_type is not OrderType.LIMIT:
        return None
    if request.price is None or request.price <= 0:
        raise InvalidRequest("A limit order needs a price.")
    return plain(request.price)


def trigger_of(request: OrderRequest) -> str:
    if request.trigger_price is None or request.trigger_price <= 0:
        raise InvalidRequest(f"A {request.order_type} order needs a trigger price.")
    return plain(request.trigger_price)


def milliseconds_of(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(milliseconds: Any) -> datetime | None:
    """Aware UTC; None for the zero and the empty text by which venues say 'never'."""
    return None if milliseconds in (None, "", 0, "0") else exact_moment(milliseconds)


def exact_moment(milliseconds: Any) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def number(text: Any) -> Decimal:
    return Decimal(str(text))


def number_or_none(text: Any) -> Decimal | None:
    """None for absent, empty and zero: venues write 0 where they have no price to tell."""
    if text is None or text == "":
        return None
    return number(text) or None


# most contracts pay every eight hours; Binance's answer does not say
USUAL_FUNDING_HOURS = 8


def funding_rate_of(row: Mapping[str, Any]) -> FundingRate:
    """As ccxt reads every venue's answer: a fraction, the next payment, and "4h" where the venue says how often."""
    hours = int(str(row.get("interval") or f"{USUAL_FUNDING_HOURS}h").removesuffix("h"))
    return FundingRate(
        percent=number(row["fundingRate"]) * 100,
        next_at=exact_moment(row["fundingTimestamp"]),
        every=timedelta(hours=hours),
    )


def direction(row: Mapping[str, Any], closes: str) -> dict[str, Any]:
    """Of an order report. `closes`: the venue's other word for an order that only reduces."""
    reduces = bool(row.get("reduceOnly")) or bool(row.get(closes))
    return {"side": Side(row["side"].lower()) if row.get("side") else None, "reduce_only": reduces}
