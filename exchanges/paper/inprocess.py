"""The paper engine as an ExchangeClient, without sockets: for tests of services, and for the same contract suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from exchanges.client import ExchangeClient
from exchanges.clock import ClockReading
from exchanges.errors import ExchangeError
from exchanges.paper import candles
from exchanges.paper.book import AlgoOrder, PaperOrder, PaperTrade, VenueRefusal
from exchanges.paper.matching import Engine
from exchanges.types import (
    BalanceReport,
    Book,
    Candle,
    FillReport,
    FundingReport,
    InstrumentSpec,
    NativeExits,
    OrderReport,
    OrderRequest,
    PositionMode,
    PositionReport,
    PositionSide,
    PriceKind,
    PriceTick,
    ReportStatus,
    Side,
    Timeframe,
    TimeInForce,
)
from exchanges.venue_codes import error_for_code, is_already_so
from exchanges.venues.binance import working_type

_Result = TypeVar("_Result")

PLAIN_STATUS = {"NEW": ReportStatus.OPEN, "PARTIALLY_FILLED": ReportStatus.PARTIALLY_FILLED}
ALGO_STATUS = {
    "NEW": ReportStatus.OPEN,
    "TRIGGERING": ReportStatus.TRIGGERED,
    "TRIGGERED": ReportStatus.TRIGGERED,
    "FINISHED": ReportStatus.TRIGGERED,
}


def _status(table: dict[str, ReportStatus], word: str) -> ReportStatus:
    return table.get(word) or ReportStatus(word.lower())


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _leg(position_side: str, amount: Decimal = Decimal(0)) -> PositionSide:
    if position_side == "BOTH":
        return PositionSide.SHORT if amount < 0 else PositionSide.LONG
    return PositionSide(position_side.lower())


MOST_FILLS = 100_000

# engines that live in this process, by address: inprocess:anything
ENGINES: dict[str, Engine] = {}
# what stands between the callers and the engine of an address, if anything does
FRONTS: dict[str, Callable[[InProcessClient], ExchangeClient]] = {}


def is_address(url: str | None) -> bool:
    return bool(url) and str(url).startswith("inprocess:")


def client_at(url: str, account: str) -> ExchangeClient:
    engine = ENGINES[url]
    engine.open_account(account, Decimal(10_000))
    client = InProcessClient(engine, account, lambda: datetime.now(UTC))
    return FRONTS[url](client) if url in FRONTS else client


class InProcessClient:
    """One account on a shared Engine. `now` is asked for the time of every act."""

    def __init__(self, engine: Engine, account: str, now: Callable[[], datetime]) -> None:
        self.engine, self.account, self._now = engine, account, now

    async def clock(self) -> ClockReading | None:
        return None  # it has no clock of its own

    async def instruments(self) -> Sequence[InstrumentSpec]:
        return [
            InstrumentSpec(
                symbol=f"{rules.base}/{rules.quote}:{rules.quote}",
                exchange_symbol=rules.symbol,
                price_increment=rules.price_increment,
                size_increment=rules.size_increment,
                min_quantity=rules.min_quantity,
                max_quantity=rules.max_quantity,
                min_notional=rules.min_notional,
            )
            for rules in self.engine.rules.values()
        ]

    async def ensure_hedge_mode(self) -> PositionMode:
        if not self.engine.account(self.account).dual_side:
            self._do(lambda: self.engine.set_dual_side(self.account, True))
        return PositionMode.HEDGE

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        self._do(lambda: self.engine.set_leverage(self.account, _id(symbol), leverage))

    async def balance(self) -> BalanceReport:
        balance = self.engine.balance(self.account)
        return BalanceReport(balance.wallet, balance.equity, balance.available)

    async def positions(self) -> Sequence[PositionReport]:
        return [
            PositionReport(
                self._symbol(held.symbol),
                _leg(held.position_side, held.amount),
                abs(held.amount),
                held.entry_price,
                mark_price=self.engine.prices[held.symbol],
            )
            for held in self.engine.positions(self.account)
        ]

    async def price(self, symbol: str, kind: PriceKind) -> PriceTick:
        return PriceTick(symbol, self._do(lambda: self._price(_id(symbol), kind)), self._now(), kind)

    async def best_prices(self, symbol: str) -> tuple[PriceTick, PriceTick]:
        return await self.price(symbol, PriceKind.BID), await self.price(symbol, PriceKind.ASK)

    async def open_interest(self, symbol: str) -> Decimal:
        return self._do(lambda: self.engine.held_by_all(_id(symbol)))

    def _price(self, contract: str, kind: PriceKind) -> Decimal:
        match kind:
            case PriceKind.MARK:
                return self.engine.prices[contract]
            case PriceKind.LAST:
                return self.engine.last(contract)
            case PriceKind.BID | PriceKind.ASK:
                return self.engine.touch(contract, "SELL" if kind is PriceKind.BID else "BUY")

    async def candles(
        self, symbol: str, timeframe: Timeframe, since: datetime | None, limit: int, *, of_mark: bool = False
    ) -> Sequence[Candle]:
        minutes = self._do(lambda: self.engine.candles(_id(symbol), of_mark=of_mark))
        rows = [_candle(row) for row in candles.joined(minutes, timeframe)]
        return rows[-limit:] if since is None else [row for row in rows if row.at >= since][:limit]

    async def create_order(self, request: OrderRequest) -> OrderReport:
        if request.order_type.is_conditional:
            return self._algo_report(self._do(lambda: self._place_algo(request)))
        return self._plain_report(self._do(lambda: self._place(request)))

    def _place(self, request: OrderRequest) -> PaperOrder:
        return self.engine.place(
            self.account,
            symbol=_id(request.symbol),
            side=request.side.upper(),
            type=request.order_type.upper(),
            quantity=request.quantity,
            position_side=request.position_side.upper(),
            price=request.price,
            time_in_force=(request.time_in_force or TimeInForce.GTC).upper(),
            good_till_ms=_good_till(request),
            client_order_id=request.client_order_id,
            now_ms=self._ms(),
        )

    def _place_algo(self, request: OrderRequest) -> AlgoOrder:
        native = request.native or NativeExits()
        return self.engine.place_algo(
            self.account,
            symbol=_id(request.symbol),
            side=request.side.upper(),
            type=request.order_type.upper(),
            trigger_price=request.trigger_price or Decimal(0),
            callback_rate=native.callback_rate,
            activate_price=native.activation_price,
            quantity=request.quantity,
            position_side=request.position_side.upper(),
            working_type=working_type(request),
            client_algo_id=request.client_order_id,
            now_ms=self._ms(),
        )

    async def amend_order(self, request: OrderRequest) -> OrderReport:
        try:
            return self._plain_report(self._amend(request))
        except VenueRefusal as refusal:
            if not is_already_so("binance", str(refusal.code)):
                raise _translated(refusal) from None
        return await self.find_order(request.symbol, request.client_order_id, Book.PLAIN)

    def _amend(self, request: OrderRequest) -> PaperOrder:
        return self.engine.amend(
            self.account,
            _id(request.symbol),
            client_order_id=request.client_order_id,
            side=request.side.upper(),
            quantity=request.quantity,
            price=request.price or Decimal(0),
            now_ms=self._ms(),
        )

    async def cancel_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport | None:
        name: dict[str, Any] = {"now_ms": self._ms()}
        if book is Book.ALGO:
            name["client_algo_id"] = client_order_id
            self._do(lambda: self.engine.cancel_algo(self.account, **name))
            return None
        name["client_order_id"] = client_order_id
        return self._plain_report(self._do(lambda: self.engine.cancel(self.account, _id(symbol), **name)))

    async def find_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport:
        if book is Book.ALGO:
            return self._algo_report(
                self._do(lambda: self.engine.find_algo(self.account, client_algo_id=client_order_id))
            )
        return self._plain_report(
            self._do(lambda: self.engine.find(self.account, _id(symbol), client_order_id=client_order_id))
        )

    async def find_child(self, symbol: str, exchange_order_id: str) -> OrderReport:
        number = int(exchange_order_id)
        return self._plain_report(
            self._do(lambda: self.engine.find(self.account, _id(symbol), order_id=number))
        )

    async def open_orders(self) -> Sequence[OrderReport]:
        plain = [self._plain_report(order) for order in self.engine.open_orders(self.account)]
        return plain + [self._algo_report(algo) for algo in self.engine.open_algos(self.account)]

    async def name_of_order(self, symbol: str, exchange_order_id: str) -> str:
        order = self._do(lambda: self.engine.find(self.account, _id(symbol), order_id=int(exchange_order_id)))
        return order.client_order_id

    async def fills(self, symbol: str, since: datetime, *, after: str = "") -> Sequence[FillReport]:
        start = {"from_id": int(after) + 1} if after else {"start_ms": int(since.timestamp() * 1000)}
        trades = self.engine.trades(self.account, _id(symbol), limit=MOST_FILLS, **start)
        return [self._fill(trade) for trade in trades]

    async def last_trades(self, since: datetime) -> Mapping[str, datetime]:
        trades = self.engine.account(self.account).trades
        recent = (trade for trade in trades if trade.time_ms >= int(since.timestamp() * 1000))
        return {self._symbol(trade.symbol): _at(trade.time_ms) for trade in recent}

    async def funding(self, since: datetime) -> Sequence[FundingReport]:
        start = int(since.timestamp() * 1000)
        return [
            FundingReport(
                symbol=self._symbol(paid.symbol),
                payment_id=str(paid.transaction_id),
                amount=paid.amount,
                currency=paid.asset,
                at=_at(paid.time_ms),
            )
            for paid in self.engine.account(self.account).funding
            if paid.time_ms >= start
        ]

    async def close(self) -> None:
        pass

    def _do(self, act: Callable[[], _Result]) -> _Result:
        try:
            return act()
        except VenueRefusal as refusal:
            raise _translated(refusal) from None

    def _ms(self) -> int:
        return int(self._now().timestamp() * 1000)

    def _symbol(self, exchange_symbol: str) -> str:
        rules = self.engine.rules[exchange_symbol]
        return f"{rules.base}/{rules.quote}:{rules.quote}"

    def _plain_report(self, order: PaperOrder) -> OrderReport:
        return OrderReport(
            symbol=self._symbol(order.symbol),
            client_order_id=order.client_order_id,
            exchange_order_id=str(order.order_id),
            book=Book.PLAIN,
            status=_status(PLAIN_STATUS, order.status),
            quantity=order.quantity,
            filled_quantity=order.executed,
            average_price=order.average_price or None,
            at=_at(order.updated_ms),
            position_side=_leg(order.position_side),
            price=order.price,
        )

    def _algo_report(self, algo: AlgoOrder) -> OrderReport:
        return OrderReport(
            symbol=self._symbol(algo.symbol),
            client_order_id=algo.client_algo_id,
            exchange_order_id=str(algo.algo_id),
            book=Book.ALGO,
            status=_status(ALGO_STATUS, algo.status),
            quantity=algo.quantity,
            child_order_id=str(algo.actual_order_id) if algo.actual_order_id else None,
            reason=algo.reason,
            at=_at(algo.updated_ms),
            position_side=_leg(algo.position_side),
            trigger_price=algo.trigger_price or None,
        )

    def _fill(self, trade: PaperTrade) -> FillReport:
        """As over REST, an execution in a listing does not name our id."""
        return FillReport(
            symbol=self._symbol(trade.symbol),
            trade_id=str(trade.trade_id),
            exchange_order_id=str(trade.order_id),
            side=Side(trade.side.lower()),
            position_side=_leg(trade.position_side),
            quantity=trade.quantity,
            price=trade.price,
            fee=trade.commission,
            fee_currency=trade.commission_asset,
            realized_pnl=trade.realized_pnl,
            at=_at(trade.time_ms),
        )


def _candle(row: candles.Candle) -> Candle:
    return Candle(_at(row.open_ms), row.open, row.high, row.low, row.close, row.volume)


def _good_till(request: OrderRequest) -> int:
    if request.time_in_force is not TimeInForce.GTD or request.expires_at is None:
        return 0
    return int(request.expires_at.timestamp() * 1000)


def _id(symbol: str) -> str:
    return symbol.split(":")[0].replace("/", "")


def _translated(refusal: VenueRefusal) -> ExchangeError:
    return error_for_code("binance", str(refusal.code), refusal.message)
