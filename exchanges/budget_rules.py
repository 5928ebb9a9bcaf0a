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
    """Weight is counted for every request; the others each for one kind of them."""

    WEIGHT = "weight"
    ORDERS = "orders"
    AMENDS = "amends"
    CANCELS = "cancels"
    SETTINGS = "settings"
    QUERIES = "queries"


@dataclass(frozen=True, slots=True)
class Left:
    """Where a venue tells how many more it takes, and of how many."""

    left: str
    allowed: str


@dataclass(frozen=True, slots=True)
class Limit:
    """`header` is where the venue tells what it has counted itself; for request weight that is the use of all keys at
    our address together. Some tell instead what is left."""

    name: str
    unit: Unit
    allowed: int
    seconds: int
    header: str = ""
    left: Left | None = None

    def counted_by_venue(self, headers: Mapping[str, str]) -> int | None:
        """`headers` by their small letters."""
        if self.left is None:
            told = headers.get(self.header, "")
            return int(told) if told.isdigit() else None
        left, allowed = headers.get(self.left.left, ""), headers.get(self.left.allowed, "")
        return int(allowed) - int(left) if left.isdigit() and allowed.isdigit() else None

    def share_of(self, lane: Lane) -> int:
        return self.allowed * SHARES[lane] // 100


@dataclass(frozen=True, slots=True)
class Cost:
    weight: int
    one_of: Unit | None = None
    weight_without_symbol: int = 0
    weight_up_to: tuple[tuple[int, int], ...] = ()  # (limit asked for, weight), the smallest first
    orders: int = 1  # how many of its kind a request is

    def of(self, unit: Unit, asked: Mapping[str, str]) -> int:
        """`asked`: the request's own parameters."""
        if unit is not Unit.WEIGHT:
            return self.orders if unit is self.one_of else 0
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
    # of which kind an error number speaks, by what was asked for; None: of all requests
    limited_kind: Callable[[str, Unit | None], Unit | None]

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
_AN_ORDER = Cost(weight=0, one_of=Unit.ORDERS)
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
            "POST batchOrders": Cost(weight=5, one_of=Unit.ORDERS, orders=5),
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
    limited_kind=lambda code, asked: Unit.ORDERS if code == "-1015" else None,
)  # fmt: skip

_BYBIT_LEFT = Left("x-bapi-limit-status", "x-bapi-limit")


def _each_second(unit: Unit, allowed: int) -> Limit:
    """The venue counts each of its addresses apart; ours of one kind are counted together."""
    return Limit(f"{unit} per second", unit, allowed, 1, left=_BYBIT_LEFT)


_BYBIT_QUERY = Cost(weight=1, one_of=Unit.QUERIES)
_BYBIT_SETTING = Cost(weight=1, one_of=Unit.SETTINGS)
_BYBIT = Rules(
    limits=(
        Limit("requests per 5 seconds", Unit.WEIGHT, 600, 5),
        _each_second(Unit.ORDERS, 10),
        _each_second(Unit.AMENDS, 10),
        _each_second(Unit.CANCELS, 10),
        _each_second(Unit.SETTINGS, 10),
        _each_second(Unit.QUERIES, 50),
    ),
    costs=_costs("/v5", {
        "POST order/create": Cost(weight=1, one_of=Unit.ORDERS),
        "POST order/amend": Cost(weight=1, one_of=Unit.AMENDS),
        "POST order/cancel": Cost(weight=1, one_of=Unit.CANCELS),
        "POST order/cancel-all": Cost(weight=1, one_of=Unit.CANCELS),
        "POST position/trading-stop": _BYBIT_SETTING,
        "POST position/set-leverage": _BYBIT_SETTING,
        "POST position/switch-mode": _BYBIT_SETTING,
        "POST account/set-margin-mode": _BYBIT_SETTING,
        "GET order/realtime": _BYBIT_QUERY,
        "GET order/history": _BYBIT_QUERY,
        "GET position/list": _BYBIT_QUERY,
        "GET execution/list": _BYBIT_QUERY,
        "GET account/wallet-balance": _BYBIT_QUERY,
        "GET account/transaction-log": _BYBIT_QUERY,
        "GET account/info": _BYBIT_QUERY,
        "GET user/query-api": _BYBIT_SETTING,
    }),
    unlisted=Cost(1),  # public ones; every request counts as one
    limited_kind=lambda code, asked: asked if code == "10006" else None,
)  # fmt: skip

RULES: Mapping[str, Rules] = {"binance": _BINANCE, "bybit": _BYBIT}
