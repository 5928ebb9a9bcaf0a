"""What the work of one request knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exchanges.paper.book import VenueRefusal
from exchanges.paper.params import Params, required
from exchanges.paper.venue import PaperVenue

Answer = Any


@dataclass(frozen=True, slots=True)
class Call:
    """account is empty where none is needed."""

    venue: PaperVenue
    account: str
    params: Params

    @property
    def symbol(self) -> str:
        symbol = required(self.params, "symbol")
        if symbol not in self.venue.engine.rules:
            raise VenueRefusal(-1121, "Invalid symbol.")
        return symbol

    @property
    def optional_symbol(self) -> str | None:
        return self.symbol if self.params.get("symbol") else None

    @property
    def symbols(self) -> list[str]:
        return [self.symbol] if self.params.get("symbol") else list(self.venue.engine.rules)

    def each(self, make: Callable[[PaperVenue, str], Answer]) -> Answer:
        """One answer for the symbol asked for, or a list of all."""
        rows = [make(self.venue, symbol) for symbol in self.symbols]
        return rows[0] if self.params.get("symbol") else rows


@dataclass(frozen=True, slots=True)
class Endpoint:
    """security is none, key (header only) or signed."""

    handle: Callable[[Call], Answer]
    security: str = "signed"
