"""The paper engine as an ExchangeClient, without sockets: for tests of services, and for the same contract suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from exchanges.client import ExchangeClient
from exchanges.clock import ClockReading
from exchanges.key_rights import KeyPermissions
from exchanges.paper import candles
from exchanges.paper.book import AlgoOrder, PaperOrder, PaperTrade, VenueRefusal
from exchanges.paper.inprocess_words import (
    ALGO_STATUS,
    PLAIN_STATUS,
    candle,
    contract_of,
    good_till,
    leg_of,
    leg_word,
    moment,
    says_reduce_only,
    side_by,
    status_in,
    translated,
)
from exchanges.paper.margin import leverage_of
from exchanges.paper.matching import Engine
from exchanges.types import (
    BalanceReport,
    Book,
    Candle,
    FillReport,
    FundingRate,
    FundingReport,
    InstrumentSpec,
    MarginMode,
    NativeExits,
    OrderReport,
    OrderRequest,
    PositionMode,
    PositionReport,
    PriceKind,
    PriceTick,
    Side,
    Timeframe,
    TimeInForce,
)
from exchanges.venue_codes import is_already_so
from exchanges.venues.binance import working_type

_Result = TypeVar("_Result")

MOST_FILLS = 100_000

# engines that live in this process, by address: inprocess:anything
ENGINES: dict[str, Engine] = {}
# what stands between the callers and the engine of an address, if anything does
FRONTS: dict[str, Callable[[InProcessClient], ExchangeClient]] = {}


def is_address(url: str | None) -> bool:
    return bool(url) and str(url).startswith("inprocess:")


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

    async def position_mode(self, symbol: str) -> PositionMode:
        return PositionMode.HEDGE if self.engine.account(self.account).dual_side else PositionMode.ONE_WAY

    async def set_position_mode(self, symbol: str, mode: PositionMode) -> None:
        if await self.position_mode(symbol) is not mode:
            self._do(lambda: self.engine.set_dual_side(self.account, mode is PositionMode.HEDGE))

    async def ensure_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        contract, wanted = contract_of(symbol), "CROSSED" if mode is MarginMode.CROSS else "ISOLATED"
        if self.engine.account(self.account).margin_type.get(contract, "CROSSED") != wanted:
            self._do(lambda: self.engine.set_margin_type(self.account, contract, wanted))

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        self._do(lambda: self.engine.set_leverage(self.account, contract_of(symbol), leverage))

    async def key_permissions(self) -> KeyPermissions:
        return KeyPermissions(can_trade=True, can_withdraw=False, is_bound_to_addresses=True)

    async def balance(self) -> BalanceReport:
        balance = self.engine.balance(self.account)
        return BalanceReport(balance.wallet, balance.equity, balance.available)

    async def positions(self) -> Sequence[PositionReport]:
        return [
            PositionReport(
                self._symbol(held.symbol),
                leg_of(held.position_side) or side_by(held.amount),
                abs(held.amount),
                held.entry_price,
                mark_price=self.engine.prices[held.symbol],
                leverage=leverage_of(self.engine.account(self.account), held.symbol),
            )
            for held in self.engine.positions(self.account)
        ]

    async def price(self, symbol: str, kind: PriceKind) -> PriceTick:
        return PriceTick(symbol, self._do(lambda: self._price(contract_of(symbol), kind)), self._now(), kind)

    async def best_prices(self, symbol: str) -> tuple[PriceTick, PriceTick]:
        return await self.price(symbol, PriceKind.BID), await self.price(symbol, PriceKind.ASK)

    async def open_interest(self, symbol: str) -> Decimal:
        return self._do(lambda: self.engine.held_by_all(contract_of(symbol)))

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
        minutes = self._do(lambda: self.engine.candles(contract_of(symbol), of_mark=of_mark))
        rows = [candle(row) for row in candles.joined(minutes, timeframe)]
        return rows[-limit:] if since is None else [row for row in rows if row.at >= since][:limit]

    async def create_order(self, request: OrderRequest) -> OrderReport:
        if request.order_type.is_conditional:
            return self._algo_report(self._do(lambda: self._place_algo(request)))
        return self._plain_report(self._do(lambda: self._place(request)))

    def _place(self, request: OrderRequest) -> PaperOrder:
        return self.engine.place(
            self.account,
            symbol=contract_of(request.symbol),
            side=request.side.upper(),
            type=request.order_type.upper(),
            quantity=request.quantity,
            position_side=leg_word(request),
            reduce_only=says_reduce_only(request),
            price=request.price,
            time_in_force=(request.time_in_force or TimeInForce.GTC).upper(),
            good_till_ms=good_till(request),
            client_order_id=request.client_order_id,
            now_ms=self._ms(),
        )

    def _place_algo(self, request: OrderRequest) -> AlgoOrder:
        native = request.native or NativeExits()
        return self.engine.place_algo(
            self.account,
            symbol=contract_of(request.symbol),
            side=request.side.upper(),
            type=request.order_type.upper(),
            trigger_price=request.trigger_price or Decimal(0),
            callback_rate=native.callback_rate,
            activate_price=native.activation_price,
            quantity=request.quantity,
            position_side=leg_word(request),
            reduce_only=says_reduce_only(request),
            working_type=working_type(request),
            client_algo_id=request.client_order_id,
            now_ms=self._ms(),
        )

    async def amend_order(self, request: OrderRequest) -> OrderReport:
        try:
            return self._plain_report(self._amend(request))
        except VenueRefusal as refusal:
            if not is_already_so("binance", str(refusal.code)):
                raise translated(refusal) from None
        return await self.find_order(request.symbol, request.client_order_id, Book.PLAIN)

    def _amend(self, request: OrderRequest) -> PaperOrder:
        return self.engine.amend(
            self.account,
            contract_of(request.symbol),
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
        return self._plain_report(
            self._do(lambda: self.engine.cancel(self.account, contract_of(symbol), **name))
        )

    async def cancel_by_number(self, symbol: str, exchange_order_id: str, book: Book) -> None:
        number, now = int(exchange_order_id), self._ms()
        if book is Book.ALGO:
            self._do(lambda: self.engine.cancel_algo(self.account, algo_id=number, now_ms=now))
        else:
            self._do(
                lambda: self.engine.cancel(self.account, contract_of(symbol), order_id=number, now_ms=now)
            )

    async def find_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport:
        if book is Book.ALGO:
            return self._algo_report(
                self._do(lambda: self.engine.find_algo(self.account, client_algo_id=client_order_id))
            )
        return self._plain_report(
            self._do(
                lambda: self.engine.find(self.account, contract_of(symbol), client_order_id=client_order_id)
            )
        )

    async def find_child(self, symbol: str, exchange_order_id: str) -> OrderReport:
        number = int(exchange_order_id)
        return self._plain_report(
            self._do(lambda: self.engine.find(self.account, contract_of(symbol), order_id=number))
        )

    async def open_orders(self) -> Sequence[OrderReport]:
        plain = [self._plain_report(order) for order in self.engine.open_orders(self.account)]
        return plain + [self._algo_report(algo) for algo in self.engine.open_algos(self.account)]

    async def name_of_order(self, symbol: str, exchange_order_id: str) -> str:
        order = self._do(
            lambda: self.engine.find(self.account, contract_of(symbol), order_id=int(exchange_order_id))
        )
        return order.client_order_id

    async def fills(self, symbol: str, since: datetime, *, after: str = "") -> Sequence[FillReport]:
        start = {"from_id": int(after) + 1} if after else {"start_ms": int(since.timestamp() * 1000)}
        trades = self.engine.trades(self.account, contract_of(symbol), limit=MOST_FILLS, **start)
        return [self._fill(trade) for trade in trades]

    async def last_trades(self, since: datetime) -> Mapping[str, datetime]:
        trades = self.engine.account(self.account).trades
        recent = (trade for trade in trades if trade.time_ms >= int(since.timestamp() * 1000))
        return {self._symbol(trade.symbol): moment(trade.time_ms) for trade in recent}

    async def funding(self, since: datetime) -> Sequence[FundingReport]:
        start = int(since.timestamp() * 1000)
        return [
            FundingReport(
                symbol=self._symbol(paid.symbol),
                payment_id=str(paid.transaction_id),
                amount=paid.amount,
                currency=paid.asset,
                at=moment(paid.time_ms),
            )
            for paid in self.engine.account(self.account).funding
            if paid.time_ms >= start
        ]

    async def funding_rate(self, symbol: str) -> FundingRate:
        """As over REST: it charges none of its own accord."""
        return FundingRate(Decimal(0), self._now() + timedelta(hours=1), timedelta(hours=8))

    async def close(self) -> None:
        pass

    def _do(self, act: Callable[[], _Result]) -> _Result:
        try:
            return act()
        except VenueRefusal as refusal:
            raise translated(refusal) from None

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
            status=status_in(PLAIN_STATUS, order.status),
            quantity=order.quantity,
            filled_quantity=order.executed,
            average_price=order.average_price or None,
            at=moment(order.updated_ms),
            position_side=leg_of(order.position_side),
            price=order.price,
            side=Side(order.side.lower()),
            reduce_only=order.reduce_only,
        )

    def _algo_report(self, algo: AlgoOrder) -> OrderReport:
        return OrderReport(
            symbol=self._symbol(algo.symbol),
            client_order_id=algo.client_algo_id,
            exchange_order_id=str(algo.algo_id),
            book=Book.ALGO,
            status=status_in(ALGO_STATUS, algo.status),
            quantity=algo.quantity,
            child_order_id=str(algo.actual_order_id) if algo.actual_order_id else None,
            reason=algo.reason,
            at=moment(algo.updated_ms),
            position_side=leg_of(algo.position_side),
            trigger_price=algo.trigger_price or None,
            side=Side(algo.side.lower()),
            reduce_only=algo.reduce_only or algo.close_position,
        )

    def _fill(self, trade: PaperTrade) -> FillReport:
        """As over REST, an execution in a listing does not name our id."""
        return FillReport(
            symbol=self._symbol(trade.symbol),
            trade_id=str(trade.trade_id),
            exchange_order_id=str(trade.order_id),
            side=Side(trade.side.lower()),
            position_side=leg_of(trade.position_side),
            quantity=trade.quantity,
            price=trade.price,
            fee=trade.commission,
            fee_currency=trade.commission_asset,
            realized_pnl=trade.realized_pnl,
            at=moment(trade.time_ms),
        )
