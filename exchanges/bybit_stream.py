"""A Bybit account's live streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from exchanges.ccxt_errors import scrubbed
from exchanges.ccxt_stream import CcxtStream, symbol_of
from exchanges.errors import AccountUnusable
from exchanges.types import PriceTick, PrivateEvent, Reference
from exchanges.venues import bybit_events
from exchanges.venues.bybit import QUOTE_CURRENCY

# of ccxt: the tickers carry mark and last price
_WATCHES = {
    Reference.MARK: "watch_tickers",
    Reference.LAST: "watch_tickers",
    Reference.BOOK: "watch_bids_asks",
}
_HASHES = ["orders", "myTrades"]  # how ccxt calls the two private topics


class BybitStream(CcxtStream):
    """Implements exchanges.client.ExchangeStream for Bybit v5 linear contracts."""

    venue = "bybit"

    def __init__(self, build: Callable[[], Any]) -> None:
        super().__init__(build)
        self._known: dict[Reference, bybit_events.Known] = {}

    def forget_session(self) -> None:
        """There is none to forget: every connection signs in for itself."""

    async def _watch_prices(self, exchange: Any, symbols: Sequence[str], reference: Reference) -> None:
        await exchange.load_markets()
        await getattr(exchange, _WATCHES[reference])(list(symbols) or _every_contract(exchange))

    async def _watch_private(self, exchange: Any) -> None:
        """Both topics by one request, so that one answer says that nothing can be missed any more."""
        await exchange.load_markets()
        url = await exchange.get_url_by_market_type(None, True, "watchOrders", {})
        await exchange.authenticate(url)
        await exchange.watch_topics(url, _HASHES, list(bybit_events.PRIVATE_TOPICS))

    def _ticks(self, exchange: Any, batch: Sequence[Any], reference: Reference) -> Iterator[PriceTick]:
        known = self._known.setdefault(reference, {})
        for message in batch:
            if isinstance(message, Mapping):
                yield from bybit_events.ticks_of(message, reference, known, partial(symbol_of, exchange))

    def _event(self, exchange: Any, message: Any) -> PrivateEvent | None:
        """The socket alone tells nothing yet: what happens before the subscription stands is told to nobody."""
        if not isinstance(message, Mapping):
            return None
        if refusal := bybit_events.refusal_to_sign_in(message):
            raise AccountUnusable(f"The private stream was refused: {scrubbed(refusal)}")
        if bybit_events.is_subscribed(message):
            return PrivateEvent()
        return bybit_events.private_event(message, partial(symbol_of, exchange))


def _every_contract(exchange: Any) -> list[str]:
    markets = exchange.markets.values()
    return [
        str(market["symbol"])
        for market in markets
        if market["swap"] and market["linear"] and market["settle"] == QUOTE_CURRENCY and market["active"]
    ]
