"""What differs between the exchanges the paper engine plays. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VenueRules:
    name: str
    default_leverage: int
    ids_for_good: bool = False  # a client order id is never free again, and none is made up
    one_book: bool = False  # a conditional order is an order like others and keeps its id when it fires
    acknowledges_first: bool = False  # an order has its id before it meets the market
    cuts_reducing: bool = False  # to what there is to reduce; what rests ends with the position
    reduce_only_with_legs: bool = False  # the word may be said in hedge mode
    same_leverage_is_refused: bool = False


BINANCE = VenueRules("binance", default_leverage=20)
BYBIT = VenueRules(
    "bybit",
    default_leverage=10,
    ids_for_good=True,
    one_book=True,
    acknowledges_first=True,
    cuts_reducing=True,
    reduce_only_with_legs=True,
    same_leverage_is_refused=True,
)
VENUES = {rules.name: rules for rules in (BINANCE, BYBIT)}
