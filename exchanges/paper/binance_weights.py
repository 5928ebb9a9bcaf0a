"""What each request weighs against the limit per minute, as the exchange documents it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from exchanges.paper.params import Params

Weigh = Callable[[Params], int]
# these weigh nothing and count as orders
ORDERS = frozenset({("POST", "/fapi/v1/order"), ("PUT", "/fapi/v1/order"), ("POST", "/fapi/v1/algoOrder")})


def weight_of(method: str, path: str, params: Params) -> int:
    if (method, path) in ORDERS:
        return 0
    found = _WEIGHTS.get((method, path), 1)
    return found if isinstance(found, int) else found(params)


def _by_symbol(one: int, every: int) -> Weigh:
    return lambda params: one if params.get("symbol") else every


def _by_limit(usual: int, *steps: tuple[int, int]) -> Weigh:
    """Each step says up to which limit which weight holds."""

    def weigh(params: Params) -> int:
        text = params.get("limit", "")
        limit = int(text) if text.isdecimal() else usual
        return next((weight for most, weight in steps if limit <= most), steps[-1][1])

    return weigh


_CANDLES = _by_limit(500, (99, 1), (499, 2), (1000, 5), (1500, 10))
_WEIGHTS: Mapping[tuple[str, str], int | Weigh] = {
    ("GET", "/fapi/v1/klines"): _CANDLES,
    ("GET", "/fapi/v1/markPriceKlines"): _CANDLES,
    ("GET", "/fapi/v1/depth"): _by_limit(500, (50, 2), (100, 5), (500, 10), (1000, 20)),
    ("GET", "/fapi/v1/ticker/24hr"): _by_symbol(1, 40),
    ("GET", "/fapi/v1/ticker/bookTicker"): _by_symbol(2, 5),
    ("GET", "/fapi/v1/premiumIndex"): _by_symbol(1, 10),
    ("GET", "/fapi/v1/positionSide/dual"): 30,
    ("GET", "/fapi/v1/symbolConfig"): 5,
    ("GET", "/fapi/v1/commissionRate"): 20,
    ("GET", "/fapi/v3/account"): 5,
    ("GET", "/fapi/v2/account"): 5,
    ("GET", "/fapi/v3/positionRisk"): 5,
    ("GET", "/fapi/v2/positionRisk"): 5,
    ("GET", "/fapi/v1/openOrders"): _by_symbol(1, 40),
    ("GET", "/fapi/v1/allOrders"): 5,
    ("GET", "/fapi/v1/userTrades"): 5,
    ("GET", "/fapi/v1/income"): 30,
    ("GET", "/fapi/v1/forceOrders"): _by_symbol(20, 50),
    ("GET", "/fapi/v1/openAlgoOrders"): _by_symbol(1, 40),
    ("GET", "/fapi/v1/allAlgoOrders"): 5,
}
