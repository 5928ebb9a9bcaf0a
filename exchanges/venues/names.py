"""Client order ids that are not ours, and who stands behind them."""

from __future__ import annotations

from exchanges.types import Forced

# how Binance's own programs name the orders of a person
_BY_HAND = ("web_", "android_", "ios_", "electron_", "mac_")


def forced_by(client_order_id: str) -> Forced | None:
    """The names under which the venue itself closes positions."""
    if client_order_id.startswith("adl_autoclose"):
        return Forced.ADL
    if client_order_id.startswith(("autoclose-", "settlement_autoclose-")):
        return Forced.LIQUIDATION
    return None


def is_by_hand(client_order_id: str) -> bool:
    return client_order_id.startswith(_BY_HAND)
