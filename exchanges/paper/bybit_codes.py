"""The engine's refusals by Bybit's numbers and sentences. Pure."""

from __future__ import annotations

from exchanges.paper.book import VenueRefusal, WouldTrigger

PARAMS = 10001
_TOLD: dict[int, tuple[int, str]] = {
    -1121: (PARAMS, "params error: symbol invalid"),
    -4140: (PARAMS, "params error: symbol invalid"),
    -1117: (PARAMS, "Side invalid"),
    -1116: (PARAMS, "params error: orderType invalid"),
    -1120: (PARAMS, "Invalid period!"),
    -4061: (PARAMS, "position idx not match position mode"),
    -1111: (PARAMS, "Qty invalid"),
    -4003: (PARAMS, "Qty invalid"),
    -4004: (PARAMS, "The number of contracts is less than the minimum allowed"),
    -4005: (PARAMS, "The number of contracts exceeds maximum limit allowed"),
    -4014: (PARAMS, "params error: price invalid"),
    -4015: (PARAMS, "params error: orderLinkId invalid"),
    -5027: (PARAMS, "The order remains unchanged as the parameters entered match the existing ones."),
    -4116: (110072, "OrderLinkedID is duplicate"),
    -20132: (110072, "OrderLinkedID is duplicate"),
    -4045: (110009, "The number of stop orders exceeds the maximum allowable limit"),
    -2019: (110007, "ab not enough for new order"),
    -2022: (110017, "current position is zero, cannot fix reduce-only order qty"),
    -4164: (110094, "Order does not meet minimum order value 5USDT"),
    -4028: (110013, "cannot set leverage gt maxLeverage by risk limit"),
    -4059: (110025, "Position mode is not modified"),
    -4067: (110028, "You have existing open orders, so the position mode cannot be switched"),
    -4068: (110024, "You have an existing position, so the position mode cannot be switched"),
    -4046: (110026, "Cross/isolated margin mode is not modified"),
    -4048: (3400045, "Set margin mode failed"),
    -2011: (110001, "order not exists or too late to cancel"),
    -2013: (110001, "order not exists or too late to replace"),
    -2015: (10003, "API key is invalid."),
    -2014: (10003, "API key is invalid."),
}


def told(refusal: VenueRefusal) -> tuple[int, str]:
    """Number and sentence. What is no number of the engine is Bybit's already; the rest is a bad parameter."""
    if isinstance(refusal, WouldTrigger):
        side = (110092, "Rising", "<=") if refusal.upwards else (110093, "Falling", ">=")
        return side[0], f"expect {side[1]}, but trigger_price {side[2]} current"
    if refusal.code > 0:
        return refusal.code, refusal.message
    return _TOLD.get(refusal.code, (PARAMS, f"params error: {refusal.message}"))
