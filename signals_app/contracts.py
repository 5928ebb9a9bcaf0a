"""Which contract a sender's symbol means: what is listed and what the owner declared, never a guess. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from signals_app.shapes.signal import Details, Signal

LINEAR = re.compile(r"(?P<base>[^/]+)/(?P<quote>[^/:]+):(?P=quote)")  # as ccxt writes it; a dated one goes on
MULTIPLE = re.compile(r"^(?:1000+|1M)|1000+(?=USD[TC]$)")


@dataclass(frozen=True, slots=True)
class Contracts:
    """names: another name of a contract -> its symbol; multiples: PEPEUSDT -> 1000PEPEUSDT, which it is not."""

    listed: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    multiples: Mapping[str, str] = field(default_factory=dict)

    def named(self, signal: Signal) -> Signal:
        """Under the name of the contract, so that every spelling is one signal."""
        symbol = self.names.get(signal.symbol)
        if symbol is None:
            return signal
        is_of_one_size = _multiple(signal.symbol) == _multiple(symbol)
        details = signal.details if is_of_one_size else _without_prices(signal.details)
        return replace(signal, symbol=symbol, details=details)

    def objection(self, symbol: str) -> str:
        """To a name that only looks like one that is listed."""
        if symbol in self.listed:
            return ""
        unit = _unit(symbol)
        other = self.multiples.get(unit) or (unit if unit in self.listed else "")
        if not other:
            return ""
        return (
            f"unknown ticker {symbol}; {other} is listed, which is another contract: "
            f"if that is meant, declare {symbol} as an alias of ticker {other}"
        )


def contracts(listings: Iterable[tuple[str, str]], aliases: Mapping[str, str]) -> Contracts:
    """From (ccxt's symbol, the venue's symbol) pairs and alias -> ticker. What is listed under a name has that name."""
    rows = list(listings)
    listed = frozenset(exchange_symbol for _, exchange_symbol in rows)
    pairs = {pair: exchange_symbol for symbol, exchange_symbol in rows if (pair := _pair(symbol))}
    names = {name: symbol for name, symbol in (pairs | dict(aliases)).items() if name not in listed}
    multiples = {_unit(symbol): symbol for symbol in sorted(listed) if _unit(symbol) != symbol}
    return Contracts(listed, names, multiples)


def _pair(symbol: str) -> str:
    match = LINEAR.fullmatch(symbol)
    return match["base"] + match["quote"] if match else ""


def _unit(symbol: str) -> str:
    return MULTIPLE.sub("", symbol)


def _multiple(symbol: str) -> list[str]:
    return MULTIPLE.findall(symbol)


def _without_prices(details: Details) -> Details:
    """Prices of one unit say nothing about a contract of a thousand."""
    return replace(details, entry_price=None, stop_loss_price=None, take_profit_price=None)
