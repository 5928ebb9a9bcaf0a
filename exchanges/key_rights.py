"""What an API key may do beyond what the bot needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

WITHDRAWS = "The key may withdraw money. The bot never does: take that right from it."
ANYWHERE = "The key works from every address. Bind it to this machine's address."
CANNOT_TRADE = "The key may not trade contracts: every order would be refused."


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    can_trade: bool
    can_withdraw: bool
    is_bound_to_addresses: bool
    owner: str = ""  # the exchange's own number of the account it belongs to; empty: not told

    @property
    def warnings(self) -> tuple[str, ...]:
        found = {
            WITHDRAWS: self.can_withdraw,
            ANYWHERE: not self.is_bound_to_addresses,
            CANNOT_TRADE: not self.can_trade,
        }
        return tuple(sentence for sentence, is_so in found.items() if is_so)
