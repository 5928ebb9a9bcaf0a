"""What the paper exchange keeps: words as Binance's, money Decimal, times whole milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from exchanges.paper.venue_rules import BINANCE, VenueRules

ZERO = Decimal(0)
HUNDRED = Decimal(100)
OPEN_STATUSES = ("NEW", "PARTIALLY_FILLED")


@dataclass(frozen=True, slots=True)
class Rules:
    """One contract. maintenance_margin_ratio is a fraction of the notional."""

    symbol: str
    base: str
    quote: str
    price_increment: Decimal
    size_increment: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    max_leverage: int = 50
    maintenance_margin_ratio: Decimal = Decimal("0.004")


@dataclass(slots=True)
class PaperOrder:
    order_id: int
    client_order_id: str
    symbol: str
    side: str
    position_side: str
    type: str
    quantity: Decimal
    price: Decimal | None
    time_in_force: str
    reduce_only: bool
    status: str
    executed: Decimal
    cum_quote: Decimal
    created_ms: int
    updated_ms: int
    orig_type: str
    algo_id: int | None = None
    good_till_ms: int = 0
    reason: str = ""  # why it ended, where the exchange says so
    # what the position gets when this one fills
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    fee: Decimal = ZERO

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def average_price(self) -> Decimal:
        return self.cum_quote / self.executed if self.executed else ZERO


@dataclass(slots=True)
class AlgoOrder:
    algo_id: int
    client_algo_id: str
    symbol: str
    side: str
    position_side: str
    type: str
    quantity: Decimal | None
    trigger_price: Decimal
    working_type: str
    reduce_only: bool
    close_position: bool
    status: str
    created_ms: int
    updated_ms: int
    actual_order_id: int | None = None
    reason: str = ""
    # of a trailing stop only; the best price is the one furthest into profit since it was placed
    callback_rate: Decimal | None = None
    activate_price: Decimal | None = None
    best_price: Decimal | None = None
    callback_amount: Decimal | None = None  # in place of the rate
    price: Decimal | None = None  # of the limit order it becomes

    @property
    def is_open(self) -> bool:
        return self.status == "NEW"

    @property
    def trails(self) -> bool:
        return self.type == "TRAILING_STOP_MARKET"

    @property
    def fires_upwards(self) -> bool:
        """A buying stop and a selling take-profit wait for the price to rise."""
        return (self.type == "STOP_MARKET") == (self.side == "BUY")

    def is_reached(self, price: Decimal) -> bool:
        if self.trails:
            return self._has_come_back(price)
        return price >= self.trigger_price if self.fires_upwards else price <= self.trigger_price

    def is_best(self, price: Decimal) -> bool:
        """Of all it has seen: the highest for a selling one, the lowest for a buying one."""
        if self.best_price is None:
            return True
        return price < self.best_price if self.side == "BUY" else price > self.best_price

    @property
    def next_price(self) -> Decimal:
        """At which something happens to it: it fires, or begins to trail."""
        if not self.trails:
            return self.trigger_price
        return self._fires_at if self._is_activated else self.activate_price or ZERO

    def _has_come_back(self, price: Decimal) -> bool:
        """By the callback rate from the best price, after that one had reached the activation price."""
        if not self._is_activated:
            return False
        return price >= self._fires_at if self.side == "BUY" else price <= self._fires_at

    @property
    def _fires_at(self) -> Decimal:
        best = self.best_price or ZERO
        away = (
            best * (self.callback_rate or ZERO) / HUNDRED
            if self.callback_amount is None
            else self.callback_amount
        )
        return best + (away if self.side == "BUY" else -away)

    @property
    def _is_activated(self) -> bool:
        best, starts_at = self.best_price, self.activate_price
        if best is None or starts_at is None:
            return best is not None
        return best <= starts_at if self.side == "BUY" else best >= starts_at


@dataclass(slots=True)
class PaperTrade:
    trade_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: str
    position_side: str
    price: Decimal
    quantity: Decimal
    quote: Decimal
    commission: Decimal
    commission_asset: str
    realized_pnl: Decimal
    maker: bool
    time_ms: int


@dataclass(frozen=True, slots=True)
class PaperIncome:
    """One movement of the wallet. amount is signed; transaction_id is unique among those of its type."""

    transaction_id: int
    type: str
    symbol: str
    amount: Decimal
    asset: str
    time_ms: int
    trade_id: int | None = None
    # of funding: the signed amount that was held, and the price it was charged at
    quantity: Decimal | None = None
    price: Decimal | None = None


@dataclass(slots=True)
class PaperPosition:
    """amount is signed: above zero long, below zero short."""

    symbol: str
    position_side: str
    amount: Decimal = ZERO
    entry_price: Decimal = ZERO
    updated_ms: int = 0
    created_ms: int = 0
    # profit less fees: since it was opened, and of this leg ever
    realized: Decimal = ZERO
    realized_ever: Decimal = ZERO


@dataclass(slots=True)
class AccountState:
    name: str
    wallet_balance: Decimal
    venue: VenueRules = BINANCE
    dual_side: bool = False
    dual_symbols: dict[str, bool] = field(default_factory=dict)  # where a contract's mode is set for itself
    leverage: dict[str, int] = field(default_factory=dict)
    margin_type: dict[str, str] = field(default_factory=dict)
    positions: dict[tuple[str, str], PaperPosition] = field(default_factory=dict)
    orders: dict[int, PaperOrder] = field(default_factory=dict)
    algos: dict[int, AlgoOrder] = field(default_factory=dict)
    trades: list[PaperTrade] = field(default_factory=list)
    funding: list[PaperIncome] = field(default_factory=list)
    used_ids: set[str] = field(default_factory=set)  # where an id is used for good

    def is_dual(self, symbol: str) -> bool:
        return self.dual_symbols.get(symbol, self.dual_side)

    def position(self, symbol: str, position_side: str) -> PaperPosition:
        return self.positions.setdefault((symbol, position_side), PaperPosition(symbol, position_side))


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """execution is NEW, TRADE, CANCELED, EXPIRED or CALCULATED (liquidation); order is a copy."""

    account: str
    order: PaperOrder
    execution: str
    trade: PaperTrade | None = None


@dataclass(frozen=True, slots=True)
class AlgoEvent:
    account: str
    algo: AlgoOrder


@dataclass(frozen=True, slots=True)
class BestPriceMoved:
    """What the exchange keeps for itself: a trailing stop saw a better price."""

    account: str
    algo: AlgoOrder


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """income is what moved the wallet, where that was no execution."""

    account: str
    reason: str
    wallet_balance: Decimal
    positions: tuple[PaperPosition, ...]
    income: PaperIncome | None = None


Event = OrderEvent | AlgoEvent | BestPriceMoved | AccountEvent


class VenueRefusal(Exception):
    """The exchange's no, with its number."""

    def __init__(self, code: int, message: str, http_status: int = 400) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.http_status = http_status


class WouldTrigger(VenueRefusal):
    """The market is already where the condition waits for it."""

    def __init__(self, *, upwards: bool) -> None:
        super().__init__(-2021, "Order would immediately trigger.")
        self.upwards = upwards
