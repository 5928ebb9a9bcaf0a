"""The one interface to an exchange account. Plain values in and out; errors from exchanges.errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from exchanges.clock import ClockReading
from exchanges.key_rights import KeyPermissions
from exchanges.types import (
    BalanceReport,
    Book,
    Candle,
    FillReport,
    FundingRate,
    FundingReport,
    InstrumentSpec,
    MarginMode,
    OrderReport,
    OrderRequest,
    PositionMode,
    PositionReport,
    PriceKind,
    PriceTick,
    PrivateEvent,
    Reference,
    Timeframe,
)


class ExchangeClient(Protocol):
    """Requests of one account. Reads may be retried freely; `create_order` is sent exactly once per call."""

    async def instruments(self) -> Sequence[InstrumentSpec]: ...

    async def position_mode(self, symbol: str) -> PositionMode:
        """What the venue has now: Binance of the whole account, Bybit of this contract."""
        ...

    async def set_position_mode(self, symbol: str, mode: PositionMode) -> None:
        """Of the whole account; the symbol names the contracts where a venue wants it to. Asking for what is already
        so succeeds. Refused while something is open."""
        ...

    async def ensure_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        """Set only where it differs, and read back: OutcomeUnknown where the venue still says another. Binance keeps
        one for each contract, Bybit one for the whole account."""
        ...

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        """Set only where it differs, and read back."""
        ...

    async def balance(self) -> BalanceReport: ...

    async def positions(self) -> Sequence[PositionReport]: ...

    async def price(self, symbol: str, kind: PriceKind) -> PriceTick: ...

    async def best_prices(self, symbol: str) -> tuple[PriceTick, PriceTick]:
        """Bid and ask of one moment."""
        ...

    async def open_interest(self, symbol: str) -> Decimal:
        """Contracts that are held, all accounts of the venue together."""
        ...

    async def candles(
        self, symbol: str, timeframe: Timeframe, since: datetime | None, limit: int, *, of_mark: bool = False
    ) -> Sequence[Candle]:
        """Oldest first, of last prices or of mark prices: the first `limit` that begin at `since` or later, without
        it the newest ones. The last may not be over; a venue may give fewer than asked for (Binance 1500)."""
        ...

    async def create_order(self, request: OrderRequest) -> OrderReport:
        """Raises NotSent, Refused (and its children), AccountUnusable, or OutcomeUnknown for everything else."""
        ...

    async def amend_order(self, request: OrderRequest) -> OrderReport:
        """Move a working limit order, named by its client order id, to this price; the quantity stays whole.
        Asking for what is already so succeeds. Raises OrderNotFound when it does not work (any more), and what
        create_order raises."""
        ...

    async def cancel_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport | None:
        """What had filled before it was canceled; None from a book that does not say.
        Raises OrderNotFound when it is not open (any more)."""
        ...

    async def cancel_by_number(self, symbol: str, exchange_order_id: str, book: Book) -> None:
        """An order without a name, which only the venue's own number tells apart.
        Raises OrderNotFound when it is not open (any more)."""
        ...

    async def find_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport:
        """Look up one order by our id. A conditional order is asked for in the algo book.
        Raises OrderNotFound when the venue answered that it does not exist."""
        ...

    async def find_child(self, symbol: str, exchange_order_id: str) -> OrderReport:
        """The plain order that a conditional one became, by the venue's number: its name need not be ours.
        Raises OrderNotFound when it does not exist (any more)."""
        ...

    async def open_orders(self) -> Sequence[OrderReport]:
        """All working orders of both books."""
        ...

    async def name_of_order(self, symbol: str, exchange_order_id: str) -> str:
        """The client order id of a plain order the venue names by its own id only.
        Raises OrderNotFound when it does not exist (any more)."""
        ...

    async def fills(self, symbol: str, since: datetime, *, after: str = "") -> Sequence[FillReport]:
        """Executions of the account in one symbol, oldest first. With `after`, a trade id executed at `since`, all
        younger ones and perhaps others of its moment."""
        ...

    async def last_trades(self, since: datetime) -> Mapping[str, datetime]:
        """Symbol -> the newest execution of the account there, whoever ordered it; all contracts at once."""
        ...

    async def funding(self, since: datetime) -> Sequence[FundingReport]:
        """Funding payments of the account in all its contracts, oldest first."""
        ...

    async def funding_rate(self, symbol: str) -> FundingRate: ...

    async def key_permissions(self) -> KeyPermissions: ...

    async def clock(self) -> ClockReading | None:
        """The last comparison of this machine's clock with the venue's."""
        ...

    async def close(self) -> None: ...


class ExchangeStream(Protocol):
    """Endless iterators over one connection each; they raise on a broken connection and can be entered again."""

    def prices(self, symbols: Sequence[str], reference: Reference) -> AsyncIterator[Sequence[PriceTick]]:
        """The latest price of each contract that changed; of the book, both sides. No symbols at all means every
        contract."""
        ...

    def private_events(self) -> AsyncIterator[PrivateEvent]: ...

    def forget_session(self) -> None:
        """Get a new private session (listenKey) on the next connection."""
        ...

    async def close(self) -> None: ...
