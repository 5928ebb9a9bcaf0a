"""Symbols that are not to be traded, whatever a signal says of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase

from signals_app.reasons import ReasonCode
from signals_app.routing import Ignored

QUOTE = "USDT"
LEVERAGED = ("UP", "DOWN", "BULL", "BEAR", "2L", "3L", "2S", "3S")
STABLE = frozenset({"USDC", "BUSD", "TUSD", "FDUSD", "USDP", "USDD", "USDE", "PYUSD", "DAI", "USD1", "RLUSD"})


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """Words may be patterns (*DOM*). whitelist None: all symbols may trade that nothing else forbids."""

    stoplist: tuple[str, ...] = ()
    whitelist: tuple[str, ...] | None = None

    def refusal(self, symbol: str, known: Set[str]) -> Ignored | None:
        """known: the symbols of our tickers. They tell BTCUP, which is BTC with leverage, from JUP, which is a coin;
        what is a ticker itself is traded, for there may be a coin J as well."""
        base = symbol.removesuffix(QUOTE)
        if _matches(symbol, self.stoplist):
            return Ignored(f"{symbol} is on the stop list", ReasonCode.STOP_LISTED)
        if self.whitelist is not None and not _matches(symbol, self.whitelist):
            return Ignored(f"{symbol} is not on the white list", ReasonCode.NOT_WHITELISTED)
        if symbol not in known and any(_is_of(base, one, known) for one in LEVERAGED):
            return Ignored(f"{symbol} is a leveraged token", ReasonCode.LEVERAGED_COIN)
        if base in STABLE:
            return Ignored(f"{symbol} is one stable coin against another", ReasonCode.STABLE_PAIR)
        if (symbol not in known and _is_of(base, "DOM", known)) or "INDEX" in base:
            return Ignored(f"{symbol} is an index", ReasonCode.INDEX_SYMBOL)
        return None


def _is_of(base: str, ending: str, known: Set[str]) -> bool:
    return base.endswith(ending) and base.removesuffix(ending) + QUOTE in known


def _matches(symbol: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(symbol, pattern.upper()) for pattern in patterns)
