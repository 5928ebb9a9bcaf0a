"""What a request costs at each venue, what is allowed, and which share of it each kind of request may use.

Numbers as the venues publish them. Facts only: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from exchanges.types import OrderRequest


class Lane(StrEnum):
    """In order of importance: each may go on when the next one has to wait."""

    PROTECTIVE = "protective"  # stops
    REDUCING = "reducing"  # closes and cancels
    ENTRY = "entry"
    READING = "reading"


# percent of every limit: what polls cannot take is left for stops
SHARES: Mapping[Lane, int] = {Lane.PROTECTIVE: 100, Lane.REDUCING: 95, Lane.ENTRY: 80, Lane.READING: 60}


class Unit(StrEnum):
    WEIGHT = "weight"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class Limit:
    """`header` is where the venue tells what it has counted itself; for request weight that is the use of all keys at
    our address together."""

    name: str
    unit: Unit
    allowed: int
    seconds: int
    header: str = ""

    def share_of(self, lane: Lane) -> int:
        return self.allowed * SHARES[lane] // 100


@dataclass(frozen=True, slots=True)
class Cost:
    weight: int
    orders: int = 0
    weight_without_symbol: int = 0
    weight_up_to: tuple[tuple[int, int], ...] = ()  # (limit asked for, weight), the smallest first

    def of(self, unit: Unit, asked: Mapping[str, str]) -> int:
        """`asked`: the request's own parameters."""
        if unit is Unit.ORDERS:
            return self.orders
        if "symbol" not in asked and self.weight_without_symbol:
            return self.weight_without_symbol
        limit = int(text) if (text := asked.get("limit", "")).isdecimal() else None
        fitting = (weight for most, weight in self.weight_up_to if limit is not None and limit <= most)
        return next(fitting, self.weight)


@dataclass(frozen=True, slots=True)
class Rules:
    """`unlisted` is dear on purpose: what nobody looked up must not be what exhausts the limit."""

    limits: tuple[Limit, ...]
    costs: Mapping[tuple[str, str], Cost]
    unlisted: Cost
    is_order_limit: Callable[[str], bool]  # does this error number speak of orders, not of requests

    def cost_of(self, method: str, path: str) -> Cost:
        return self.costs.get((method.upper(), path), self.unlisted)


def lane_of(request: OrderRequest) -> Lane:
    if not request.reduce_only:
        return Lane.ENTRY
    return Lane.PROTECTIVE if request.order_type.is_conditional else Lane.REDUCING


def _costs(version: str, table: Mapping[str, Cost]) -> dict[tuple[str, str], Cost]:
    """`GET time` of version v1 becomes (GET, /fapi/v1/time)."""
    pairs = ((line.split(), cost) for line, cost in table.items())
    return {(method, f"{version}/{path}"): cost for (method, path), cost in pairs}


_CANDLES = Cost(10, weight_up_to=((99, 1), (499, 2), (1000, 5)))
_AN_ORDER = Cost(weight=0, orders=1)
_BINANCE = Rules(
    limits=(
        Limit("request weight per minute", Unit.WEIGHT, 2400, 60, "x-mbx-used-weight-1m"),
        Limit("orders per 10 seconds", Unit.ORDERS, 300, 10, "x-mbx-order-count-10s"),
        Limit("orders per minute", Unit.ORDERS, 1200, 60, "x-mbx-order-count-1m"),
    ),
    costs={
        **_costs("/fapi/v1", {
            "POST order": _AN_ORDER,
            "PUT order": _AN_ORDER,
            "POST algoOrder": _AN_ORDER,
            "POST batchOrders": Cost(weight=5, orders=5),
            "DELETE order": Cost(1),
            "DELETE algoOrder": Cost(1),
            "DELETE allOpenOrders": Cost(1),
            "DELETE algoOpenOrders": Cost(1),
            "GET order": Cost(1),
            "GET algoOrder": Cost(1),
            "GET openOrder": Cost(1),
            "GET openOrders": Cost(1, weight_without_symbol=40),
            "GET openAlgoOrders": Cost(1, weight_without_symbol=40),
            "GET allOrders": Cost(5),
            "GET allAlgoOrders": Cost(5),
            "GET userTrades": Cost(5),
            "GET forceOrders": Cost(20, weight_without_symbol=50),
            "GET income": Cost(30),
            "GET positionSide/dual": Cost(30),
            "POST positionSide/dual": Cost(1),
            "POST leverage": Cost(1),
            "POST marginType": Cost(1),
            "GET symbolConfig": Cost(5),
            "GET accountConfig": Cost(5),
            "GET leverageBracket": Cost(1),
            "GET commissionRate": Cost(20),
            "GET exchangeInfo": Cost(1),
            "GET time": Cost(1),
            "GET ping": Cost(1),
            "GET premiumIndex": Cost(1, weight_without_symbol=10),
            "GET ticker/24hr": Cost(1, weight_without_symbol=40),
            "GET ticker/bookTicker": Cost(2, weight_without_symbol=5),
            "GET openInterest": Cost(1),
            "GET klines": _CANDLES,
            "GET markPriceKlines": _CANDLES,
            "GET depth": Cost(20),
            "POST listenKey": Cost(1),
            "PUT listenKey": Cost(1),
            "DELETE listenKey": Cost(1),
        }),
        **_costs("/fapi/v2", {"GET positionRisk": Cost(5), "GET account": Cost(5)}),
        **_costs("/fapi/v3", {"GET positionRisk": Cost(5), "GET account": Cost(5)}),
    },
    unlisted=Cost(40),
    is_order_limit=lambda code: code == "-1015",
)  # fmt: skip

_BYBIT_ORDER = Cost(weight=1, orders=1)
_BYBIT = Rules(
    limits=(
        Limit("requests per 5 seconds", Unit.WEIGHT, 600, 5),
        Limit("orders per second", Unit.ORDERS, 10, 1),
    ),
    costs=_costs("/v5", {
        "POST order/create": _BYBIT_ORDER,
        "POST order/amend": _BYBIT_ORDER,
        "POST order/cancel": _BYBIT_ORDER,
        "POST order/cancel-all": _BYBIT_ORDER,
        "POST position/trading-stop": _BYBIT_ORDER,
    }),
    unlisted=Cost(1),  # every request counts as one
    is_order_limit=lambda code: code == "10006",
)  # fmt: skip

RULES: Mapping[str, Rules] = {"binance": _BINANCE, "bybit": _BYBIT}
