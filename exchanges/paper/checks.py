"""What the exchange refuses, with its numbers (exchange documentation, error codes of USDT-M futures). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from exchanges.paper.book import AccountState, AlgoOrder, PaperOrder, Rules, VenueRefusal, WouldTrigger

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
MAX_ALGO_ORDERS = 10
MIN_CALLBACK, MAX_CALLBACK, CALLBACK_STEP = Decimal("0.1"), Decimal(10), Decimal("0.1")
CONDITIONAL = ("STOP", "TAKE_PROFIT", "STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")


def check_working_type(word: str) -> None:
    if word not in ("MARK_PRICE", "CONTRACT_PRICE"):
        raise VenueRefusal(-1130, "Data sent for parameter 'workingType' is not valid.")


def check_words(side: str, order_type: str, allowed: tuple[str, ...]) -> None:
    if side not in ("BUY", "SELL"):
        raise VenueRefusal(-1117, "Invalid side.")
    if order_type in CONDITIONAL and order_type not in allowed:
        raise VenueRefusal(
            -4120,
            "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
        )
    if order_type not in allowed:
        raise VenueRefusal(-1116, "Invalid orderType.")


def check_leg(account: AccountState, symbol: str, position_side: str, reduce_only: bool) -> None:
    is_dual = account.is_dual(symbol)
    if position_side not in (("LONG", "SHORT") if is_dual else ("BOTH",)):
        raise VenueRefusal(-4061, "Order's position side does not match user's setting.")
    if is_dual and reduce_only and not account.venue.reduce_only_with_legs:
        raise VenueRefusal(-1106, "Parameter 'reduceonly' sent when not required.")


GOOD_TILL_AHEAD_MS = 600_000


def check_good_till(force: str, good_till_ms: int, now_ms: int) -> None:
    if force == "GTD" and good_till_ms <= now_ms + GOOD_TILL_AHEAD_MS:
        raise VenueRefusal(-1130, "Data sent for parameter 'goodTillDate' is not valid.")


def check_amendable(order: PaperOrder, side: str) -> None:
    if order.type != "LIMIT":
        raise VenueRefusal(-5025, "Only limit order is supported.")
    if order.side != side:
        raise VenueRefusal(-1117, "Invalid side.")


def check_client_id(account: AccountState, client_id: str) -> None:
    if client_id in account.used_ids:
        raise VenueRefusal(-4116, "ClientOrderId is duplicated.")
    if client_id and not CLIENT_ID.fullmatch(client_id):
        raise VenueRefusal(-4015, "Client order id is not valid.")


def check_unused(client_id: str, open_orders: Iterable[PaperOrder]) -> None:
    """Unique among open orders only: the id of a finished order may be used again."""
    if client_id and any(order.client_order_id == client_id for order in open_orders):
        raise VenueRefusal(-4116, "ClientOrderId is duplicated.")


def check_algo_room(client_id: str, symbol: str, open_algos: list[AlgoOrder]) -> None:
    if client_id and any(algo.client_algo_id == client_id for algo in open_algos):
        raise VenueRefusal(-20132, "Client algo id is duplicated.")
    if sum(algo.symbol == symbol for algo in open_algos) >= MAX_ALGO_ORDERS:
        raise VenueRefusal(-4045, "Reach max stop order limit.")


def check_quantity(rules: Rules, quantity: Decimal) -> None:
    if not quantity.is_finite() or quantity <= 0:
        raise VenueRefusal(-4003, "Quantity less than or equal to zero.")
    if quantity % rules.size_increment:
        raise VenueRefusal(-1111, "Precision is over the maximum defined for this asset.")
    if quantity < rules.min_quantity:
        raise VenueRefusal(-4004, "Quantity less than min quantity.")
    if quantity > rules.max_quantity:
        raise VenueRefusal(-4005, "Quantity greater than max quantity.")


def check_price(rules: Rules, price: Decimal) -> None:
    if not price.is_finite() or price <= 0:
        raise VenueRefusal(-4014, "Price less than or equal to zero.")
    if price % rules.price_increment:
        raise VenueRefusal(-4014, "Price not increased by tick size.")


def check_condition(rules: Rules, algo: AlgoOrder, price: Decimal) -> None:
    if algo.trails:
        _check_trail(rules, algo, price)
        return
    check_price(rules, algo.trigger_price)
    if algo.is_reached(price):
        raise WouldTrigger(upwards=algo.fires_upwards)


def _check_trail(rules: Rules, algo: AlgoOrder, price: Decimal) -> None:
    """An activation price must still be ahead: above the market for a selling order, below it for a buying one."""
    rate, starts_at = algo.callback_rate, algo.activate_price
    if algo.close_position:
        raise VenueRefusal(-4136, "Target strategy invalid for orderType with closePosition.")
    if rate is None or not MIN_CALLBACK <= rate <= MAX_CALLBACK or rate % CALLBACK_STEP:
        raise VenueRefusal(-2007, "Invalid callBack rate.")
    if starts_at is None:
        return
    if starts_at <= 0 or starts_at % rules.price_increment:
        raise VenueRefusal(-4135, "Invalid activation price.")
    if starts_at >= price if algo.side == "BUY" else starts_at <= price:
        raise WouldTrigger(upwards=algo.side == "SELL")


def check_notional(rules: Rules, quantity: Decimal, price: Decimal) -> None:
    if quantity * price < rules.min_notional:
        raise VenueRefusal(
            -4164,
            f"Order's notional must be no smaller than {rules.min_notional} (unless you choose reduce only).",
        )


def reducible(account: AccountState, symbol: str, side: str, position_side: str) -> Decimal:
    """How much of the leg an order of this side could close."""
    amount = account.position(symbol, position_side).amount
    return max(amount if side == "SELL" else -amount, Decimal(0))


def is_reducing(side: str, position_side: str, reduce_only: bool) -> bool:
    if position_side != "BOTH":
        return (position_side, side) in (("LONG", "SELL"), ("SHORT", "BUY"))
    return reduce_only


def check_reducible(
    account: AccountState, symbol: str, side: str, position_side: str, quantity: Decimal
) -> None:
    if quantity > reducible(account, symbol, side, position_side):
        raise VenueRefusal(-2022, "ReduceOnly Order is rejected.")
