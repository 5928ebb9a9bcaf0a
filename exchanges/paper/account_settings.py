"""What an account may set: position mode, leverage, margin mode. Pure."""

from __future__ import annotations

from exchanges.paper.accounts import Accounts
from exchanges.paper.book import VenueRefusal
from exchanges.paper.margin import leverage_of


class AccountSettings(Accounts):
    def set_dual_side(self, account: str, dual_side: bool) -> None:
        state = self.accounts[account]
        if state.dual_side == dual_side:
            raise VenueRefusal(-4059, "No need to change position side.")
        if self.open_orders(account) or self.open_algos(account):
            raise VenueRefusal(-4067, "Position side cannot be changed if there exists open orders.")
        if self.positions(account):
            raise VenueRefusal(-4068, "Position side cannot be changed if there exists position.")
        state.dual_side = dual_side
        state.dual_symbols.clear()

    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        if not 1 <= leverage <= self._rules(symbol).max_leverage:
            raise VenueRefusal(-4028, f"Leverage {leverage} is not valid")
        state = self.accounts[account]
        if state.venue.same_leverage_is_refused and leverage_of(state, symbol) == leverage:
            raise VenueRefusal(110043, "leverage not modified")
        state.leverage[symbol] = leverage

    def set_margin_type(self, account: str, symbol: str, margin_type: str) -> None:
        self._rules(symbol)
        state = self.accounts[account]
        if state.margin_type.get(symbol, "CROSSED") == margin_type:
            raise VenueRefusal(-4046, "No need to change margin type.")
        if any(position.symbol == symbol for position in self.positions(account)):
            raise VenueRefusal(-4048, "Margin type cannot be changed if there exists position.")
        state.margin_type[symbol] = margin_type

    def set_dual_symbol(self, account: str, symbol: str, dual_side: bool) -> None:
        """The mode of one contract, where the exchange knows that."""
        self._rules(symbol)
        state = self.accounts[account]
        if state.is_dual(symbol) == dual_side:
            raise VenueRefusal(-4059, "No need to change position side.")
        if self.open_orders(account, symbol) or self.open_algos(account, symbol):
            raise VenueRefusal(-4067, "Position side cannot be changed if there exists open orders.")
        if any(position.symbol == symbol for position in self.positions(account)):
            raise VenueRefusal(-4068, "Position side cannot be changed if there exists position.")
        state.dual_symbols[symbol] = dual_side

    def set_margin_mode(self, account: str, margin_type: str) -> None:
        """Of the whole account, where the exchange knows no other."""
        state = self.accounts[account]
        if all(state.margin_type.get(symbol, "CROSSED") == margin_type for symbol in self.rules):
            raise VenueRefusal(-4046, "No need to change margin type.")
        if self.positions(account):
            raise VenueRefusal(-4048, "Margin type cannot be changed if there exists position.")
        state.margin_type = dict.fromkeys(self.rules, margin_type)
