"""Accounts, settings, look-ups and cancels of the paper exchange, and the events that tell what happened. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from decimal import Decimal
from itertools import islice

from exchanges.paper.book import (
    AccountState,
    AlgoEvent,
    AlgoOrder,
    Event,
    OrderEvent,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    Rules,
    VenueRefusal,
)
from exchanges.paper.candles import Candle, Minutes
from exchanges.paper.margin import Balance, balance_of
from exchanges.paper.venue_rules import BINANCE, VenueRules


class Accounts:
    """`depth_notional` is what one price level holds: a larger market order walks on in several executions, a
    resting limit order gets at most that much per price change. None means as much as is asked for."""

    def __init__(
        self,
        rules: Iterable[Rules],
        *,
        taker_fee: Decimal = Decimal("0.0005"),
        maker_fee: Decimal = Decimal("0.0002"),
        spread_ticks: int = 1,
        depth_notional: Decimal | None = None,
    ) -> None:
        self.rules = {one.symbol: one for one in rules}
        self.taker_fee, self.maker_fee = taker_fee, maker_fee
        self.spread_ticks, self.depth_notional = spread_ticks, depth_notional
        # mark prices, which are the last ones too where none is set apart
        self.prices: dict[str, Decimal] = {}
        self.last_apart: dict[str, Decimal] = {}
        self.open_interest: dict[str, Decimal] = {}  # where it was told
        self.minutes = {symbol: Minutes() for symbol in self.rules}
        self.mark_apart: dict[str, Minutes] = {}  # of contracts whose last price ever was another
        self.accounts: dict[str, AccountState] = {}
        self.next_order_id = 1_000_001
        self.next_algo_id = 2_000_001
        self.next_trade_id = 1
        self.next_transaction_id = 3_000_001
        self._events: list[Event] = []
        self._acknowledged: list[tuple[str, int]] = []  # account and number of orders that met no market yet

    def last(self, symbol: str) -> Decimal:
        """What it is traded at; margin and profit go by the mark price."""
        return self.last_apart.get(symbol, self.prices[symbol])

    def candles(self, symbol: str, *, of_mark: bool = False) -> list[Candle]:
        """Of one minute each, oldest first; the last one may still go on."""
        minutes = self.minutes[self._rules(symbol).symbol]
        return (self.mark_apart.get(symbol, minutes) if of_mark else minutes).rows()

    def tell_candles(self, symbol: str, rows: Iterable[Candle]) -> None:
        """What its prices were, from the first of these minutes on."""
        told = list(rows)
        known = [self.minutes[self._rules(symbol).symbol], self.mark_apart.get(symbol)]
        for minutes in filter(None, known):
            for row in told:
                minutes.restore(row)

    def stand_still(self, until_ms: int) -> None:
        """While it was off, no price moved; charts and averages have no hole there."""
        for minutes in (*self.minutes.values(), *self.mark_apart.values()):
            minutes.stand_still(until_ms)

    def open_account(self, account: str, balance: Decimal, venue: VenueRules = BINANCE) -> None:
        self.accounts.setdefault(account, AccountState(account, balance, venue))

    def has_account(self, account: str) -> bool:
        return account in self.accounts

    def account(self, account: str) -> AccountState:
        return self.accounts[account]

    def balance(self, account: str) -> Balance:
        return balance_of(self.accounts[account], self.prices, self.rules)

    def positions(self, account: str) -> list[PaperPosition]:
        return [position for position in self.accounts[account].positions.values() if position.amount]

    def find(
        self, account: str, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> PaperOrder:
        """The newest with that client id; -2013 when there is none."""
        for order in reversed(self.accounts[account].orders.values()):
            wanted = order.order_id == order_id if order_id else order.client_order_id == client_order_id
            if wanted and order.symbol == symbol:
                return order
        raise VenueRefusal(-2013, "Order does not exist.")

    def find_algo(
        self, account: str, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> AlgoOrder:
        for algo in reversed(self.accounts[account].algos.values()):
            if algo.algo_id == algo_id if algo_id else algo.client_algo_id == client_algo_id:
                return algo
        raise VenueRefusal(-2013, "Order does not exist.")

    def cancel(
        self,
        account: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        now_ms: int,
    ) -> PaperOrder:
        for order in self.open_orders(account, symbol):
            if order.order_id == order_id if order_id else order.client_order_id == client_order_id:
                self._end(self.accounts[account], order, "CANCELED", now_ms)
                return order
        raise VenueRefusal(-2011, "Unknown order sent.")

    def cancel_algo(
        self, account: str, algo_id: int | None = None, client_algo_id: str | None = None, *, now_ms: int
    ) -> AlgoOrder:
        for algo in self.open_algos(account):
            if algo.algo_id == algo_id if algo_id else algo.client_algo_id == client_algo_id:
                self._set_algo(self.accounts[account], algo, "CANCELED", now_ms)
                return algo
        raise VenueRefusal(-2011, "Unknown order sent.")

    def cancel_all(self, account: str, symbol: str, now_ms: int) -> None:
        for order in self.open_orders(account, symbol):
            self._end(self.accounts[account], order, "CANCELED", now_ms)

    def cancel_all_algo(self, account: str, symbol: str, now_ms: int) -> None:
        for algo in self.open_algos(account, symbol):
            self._set_algo(self.accounts[account], algo, "CANCELED", now_ms)

    def open_orders(self, account: str, symbol: str | None = None) -> list[PaperOrder]:
        return [o for o in self.accounts[account].orders.values() if o.is_open and symbol in (None, o.symbol)]

    def open_algos(self, account: str, symbol: str | None = None) -> list[AlgoOrder]:
        return [a for a in self.accounts[account].algos.values() if a.is_open and symbol in (None, a.symbol)]

    def all_orders(self, account: str, symbol: str) -> list[PaperOrder]:
        return [order for order in self.accounts[account].orders.values() if order.symbol == symbol]

    def all_algos(self, account: str, symbol: str) -> list[AlgoOrder]:
        return [algo for algo in self.accounts[account].algos.values() if algo.symbol == symbol]

    def trades(
        self,
        account: str,
        symbol: str,
        start_ms: int | None = None,
        from_id: int | None = None,
        limit: int = 500,
        order_id: int | None = None,
    ) -> list[PaperTrade]:
        """Oldest first, at most `limit` from the start asked for."""
        wanted = (
            trade
            for trade in self.accounts[account].trades
            if trade.symbol == symbol
            and trade.time_ms >= (start_ms or 0)
            and trade.trade_id >= (from_id or 0)
            and order_id in (None, trade.order_id)
        )
        return list(islice(wanted, limit))

    def trim(self, keep: int) -> None:
        """Forget all but the newest `keep` finished orders and executions of each account."""
        for state in self.accounts.values():
            done = [key for key, order in state.orders.items() if not order.is_open]
            for key in done[:-keep]:
                del state.orders[key]
            ended = [key for key, algo in state.algos.items() if not algo.is_open]
            for key in ended[:-keep]:
                del state.algos[key]
            del state.trades[: max(len(state.trades) - keep, 0)]
            del state.funding[: max(len(state.funding) - keep, 0)]

    def _price_by(self, working_type: str, symbol: str) -> Decimal:
        return self.prices[symbol] if working_type == "MARK_PRICE" else self.last(symbol)

    def _next_algo_id(self, state: AccountState) -> int:
        """From the numbers of orders where it is one."""
        if state.venue.one_book:
            return self._next_order_id()
        self.next_algo_id += 1
        return self.next_algo_id - 1

    def _next_order_id(self) -> int:
        self.next_order_id += 1
        return self.next_order_id - 1

    def _name(self, state: AccountState, asked: str | None, made_up: str) -> str:
        """The client id of a new order, once it is known to be free."""
        return asked or ("" if state.venue.ids_for_good else made_up)

    def drain_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _rules(self, symbol: str) -> Rules:
        if symbol not in self.rules:
            raise VenueRefusal(-1121, "Invalid symbol.")
        return self.rules[symbol]

    def _tradable(self, symbol: str) -> Rules:
        rules = self._rules(symbol)
        if symbol not in self.prices:
            raise VenueRefusal(-4140, "Invalid symbol status for opening position.")
        return rules

    def _end(self, state: AccountState, order: PaperOrder, status: str, now_ms: int) -> None:
        order.status, order.updated_ms = status, now_ms
        self._tell(state, order, status)

    def _set_algo(self, state: AccountState, algo: AlgoOrder, status: str, now_ms: int) -> None:
        algo.status, algo.updated_ms = status, now_ms
        self._events.append(AlgoEvent(state.name, copy(algo)))

    def _tell(
        self, state: AccountState, order: PaperOrder, execution: str, trade: PaperTrade | None = None
    ) -> None:
        self._events.append(OrderEvent(state.name, copy(order), execution, trade))
