"""Plain values that cross the exchange border. Money is Decimal, times are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Side of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class PositionSide(StrEnum):
    """Side of a position; every order names the position side it acts on (hedge mode)."""

    LONG = "long"
    SHORT = "short"

    @property
    def opposite(self) -> PositionSide:
        return PositionSide.SHORT if self is PositionSide.LONG else PositionSide.LONG

    @property
    def entry_side(self) -> Side:
        return Side.BUY if self is PositionSide.LONG else Side.SELL

    @property
    def exit_side(self) -> Side:
        return self.entry_side.opposite

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short: multiplies price moves into profit."""
        return 1 if self is PositionSide.LONG else -1


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    TAKE_PROFIT_MARKET = "take_profit_market"
    TRAILING_STOP_MARKET = "trailing_stop_market"  # the exchange moves its trigger by itself

    @property
    def is_conditional(self) -> bool:
        return self not in (OrderType.MARKET, OrderType.LIMIT)


class ReportStatus(StrEnum):
    """What an exchange can say about an order."""

    OPEN = "open"
    TRIGGERED = "triggered"  # a conditional order that fired; fills come from its child order
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class TimeInForce(StrEnum):
    """How long a limit order works. GTX never takes (post-only), GTD ends at `expires_at`."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTX = "gtx"
    GTD = "gtd"


class Forced(StrEnum):
    """The exchange itself closed the position."""

    LIQUIDATION = "liquidation"
    ADL = "adl"  # auto-deleveraging: a winner pays for somebody's bankruptcy


class PriceKind(StrEnum):
    """The prices that a venue tells of one contract."""

    MARK = "mark"
    LAST = "last"
    BID = "bid"
    ASK = "ask"


class Reference(StrEnum):
    """Which price decides about a position. `book` is what a market exit would get: the bid for a long, the ask for
    a short."""

    MARK = "mark"
    LAST = "last"
    BOOK = "book"

    def kind(self, side: PositionSide) -> PriceKind:
        if self is Reference.BOOK:
            return PriceKind.BID if side is PositionSide.LONG else PriceKind.ASK
        return PriceKind(self.value)

    @property
    def trigger_by(self) -> PriceKind:
        """What the exchange's own stop waits for: no venue triggers by the book."""
        return PriceKind.MARK if self is Reference.MARK else PriceKind.LAST


class PositionMode(StrEnum):
    """Whether both legs of a contract can be held at once, or only what is left of both."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"

    @classmethod
    def of_index(cls, position_idx: int) -> PositionMode:
        return cls.HEDGE if position_idx else cls.ONE_WAY

    def leg_index(self, side: PositionSide) -> int:
        """By the side of the position, for its closing orders too."""
        if self is PositionMode.ONE_WAY:
            return 0
        return 1 if side is PositionSide.LONG else 2


class MarginMode(StrEnum):
    CROSS = "cross"
    ISOLATED = "isolated"


class BreakerState(StrEnum):
    """Whether an account can be reached."""

    CLOSED = "closed"  # it answers
    OPEN = "open"  # it does not
    RECOVERING = "recovering"  # it answers again, and was not yet compared in full


class Timeframe(StrEnum):
    """How long one candle lasts."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    FOUR_HOURS = "4h"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]


_LENGTHS = {
    Timeframe.MINUTE: timedelta(minutes=1),
    Timeframe.FIVE_MINUTES: timedelta(minutes=5),
    Timeframe.QUARTER: timedelta(minutes=15),
    Timeframe.HOUR: timedelta(hours=1),
    Timeframe.FOUR_HOURS: timedelta(hours=4),
}


class Book(StrEnum):
    """Binance keeps conditional orders in a second book with ids of its own."""

    PLAIN = "plain"
    ALGO = "algo"


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """One contract. `symbol` is ccxt's unified text (BTC/USDT:USDT), `exchange_symbol` the venue's id (BTCUSDT)."""

    symbol: str
    exchange_symbol: str
    price_increment: Decimal
    size_increment: Decimal
    min_quantity: Decimal
    max_quantity: Decimal | None
    min_notional: Decimal
    contract_size: Decimal = Decimal(1)
    active: bool = True


@dataclass(frozen=True, slots=True)
class NativeExits:
    """Exits the venue works by itself: a stop that trails (Binance takes a rate, Bybit an amount of quote
    currency), or a stop and a target attached to an entry (Bybit only). Of all this the bot uses Binance's rate, as a
    backstop."""

    callback_rate: Decimal | None = None  # percent, 1 = 1 %
    callback_amount: Decimal | None = None
    activation_price: Decimal | None = None
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What we ask for. `reduce_only` is translated by the venue's dialect (hedge mode drops it on Binance)."""

    symbol: str
    side: Side
    position_side: PositionSide
    order_type: OrderType
    quantity: Decimal
    client_order_id: str
    reduce_only: bool = False
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_by: PriceKind = PriceKind.MARK
    native: NativeExits | None = None
    time_in_force: TimeInForce | None = None
    expires_at: datetime | None = None
    position_mode: PositionMode = PositionMode.HEDGE

    @property
    def position_idx(self) -> int:
        return self.position_mode.leg_index(self.position_side)


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the exchange says of one order. `exchange_order_id` is the id in `book`;
    `child_order_id` is the real order that a triggered conditional order became."""

    symbol: str
    client_order_id: str
    exchange_order_id: str
    book: Book
    status: ReportStatus
    quantity: Decimal | None = None
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    child_order_id: str | None = None
    reason: str = ""
    at: datetime | None = None
    # only the listing of open orders fills these two
    position_side: PositionSide | None = None
    trigger_price: Decimal | None = None
    price: Decimal | None = None  # the limit it works at
    is_acknowledgement: bool = False  # it was taken in, and may still be refused
    side: Side | None = None
    reduce_only: bool = False  # by its own word

    @property
    def closes(self) -> bool:
        """It can only make a position smaller. Beside another leg (hedge mode) its side alone says so."""
        leg = self.position_side
        return self.reduce_only or (leg is not None and self.side is leg.exit_side)


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution. `trade_id` is unique per (account, symbol). `fee` is a cost (positive) in `fee_currency`.
    `position_side` is None in one-way mode: what is held then says whether it opened or closed."""

    symbol: str
    trade_id: str
    exchange_order_id: str
    side: Side
    position_side: PositionSide | None
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    realized_pnl: Decimal
    at: datetime
    client_order_id: str = ""
    forced: Forced | None = None


@dataclass(frozen=True, slots=True)
class FundingReport:
    """One funding payment. `amount` is signed: above zero we received it. `payment_id` is unique per account."""

    symbol: str
    payment_id: str
    amount: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FundingRate:
    """What a long is expected to pay to a short at the next payment, in percent of the position's worth."""

    percent: Decimal
    next_at: datetime
    every: timedelta


@dataclass(frozen=True, slots=True)
class PositionReport:
    """A position that is not flat. `quantity` is positive."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    liquidation_price: Decimal | None = None
    leverage: int | None = None


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """Quote currency of the account. `wallet_balance` excludes, `equity` includes unrealized profit."""

    wallet_balance: Decimal
    equity: Decimal
    available_balance: Decimal


@dataclass(frozen=True, slots=True)
class PriceTick:
    symbol: str
    price: Decimal
    at: datetime  # the venue's time of it
    kind: PriceKind = PriceKind.MARK


@dataclass(frozen=True, slots=True)
class Candle:
    """The prices of one span that begins `at`. The newest one may not be over."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class PrivateEvent:
    """Something the private stream told: order states and executions, in arrival order."""

    orders: tuple[OrderReport, ...] = field(default=())
    fills: tuple[FillReport, ...] = field(default=())
    funding_was_paid: bool = False  # without amounts per contract: ask for them
