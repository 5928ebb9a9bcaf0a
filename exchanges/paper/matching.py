"""The paper exchange's engine: accounts, orders, conditional orders, executions, liquidation.

Pure: prices come in by set_price, the time of every act by its `now_ms`. Refusals raise VenueRefusal and change
nothing. What happened is told by drain_events, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from decimal import Decimal
from itertools import islice

from exchanges.paper import checks
from exchanges.paper.book import (
    ZERO,
    AccountEvent,
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
from exchanges.paper.ledger import CENTS, book_execution
from exchanges.paper.margin import Balance, balance_of, leverage_of, must_liquidate

MAX_LEVELS = 50


class Engine:
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
        self.prices: dict[str, Decimal] = {}
        self.accounts: dict[str, AccountState] = {}
        self.next_order_id = 1_000_001
        self.next_algo_id = 2_000_001
        self.next_trade_id = 1
        self._events: list[Event] = []

    # accounts

    def open_account(self, account: str, balance: Decimal) -> None:
        self.accounts.setdefault(account, AccountState(account, balance))

    def has_account(self, account: str) -> bool:
        return account in self.accounts

    def account(self, account: str) -> AccountState:
        return self.accounts[account]

    def balance(self, account: str) -> Balance:
        return balance_of(self.accounts[account], self.prices, self.rules)

    def positions(self, account: str) -> list[PaperPosition]:
        return [position for position in self.accounts[account].positions.values() if position.amount]

    def set_dual_side(self, account: str, dual_side: bool) -> None:
        state = self.accounts[account]
        if state.dual_side == dual_side:
            raise VenueRefusal(-4059, "No need to change position side.")
        if self.open_orders(account) or self.open_algos(account):
            raise VenueRefusal(-4067, "Position side cannot be changed if there exists open orders.")
        if self.positions(account):
            raise VenueRefusal(-4068, "Position side cannot be changed if there exists position.")
        state.dual_side = dual_side

    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        if not 1 <= leverage <= self._rules(symbol).max_leverage:
            raise VenueRefusal(-4028, f"Leverage {leverage} is not valid")
        self.accounts[account].leverage[symbol] = leverage

    def set_margin_type(self, account: str, symbol: str, margin_type: str) -> None:
        self._rules(symbol)
        state = self.accounts[account]
        if state.margin_type.get(symbol, "CROSSED") == margin_type:
            raise VenueRefusal(-4046, "No need to change margin type.")
        if any(position.symbol == symbol for position in self.positions(account)):
            raise VenueRefusal(-4048, "Margin type cannot be changed if there exists position.")
        state.margin_type[symbol] = margin_type

    # prices

    def set_price(self, symbol: str, price: Decimal, now_ms: int) -> None:
        self.prices[self._rules(symbol).symbol] = price
        for state in self.accounts.values():
            self._fill_resting(state, symbol, now_ms)
            self._trigger(state, symbol, now_ms)
            self._liquidate(state, now_ms)

    def touch(self, symbol: str, side: str) -> Decimal:
        """The price a market order of this side meets first: the ask for a buy, the bid for a sell."""
        rules = self.rules[symbol]
        away = rules.price_increment * self.spread_ticks * (1 if side == "BUY" else -1)
        return max(self.prices[symbol] + away, rules.price_increment)

    # plain orders

    def place(
        self,
        account: str,
        *,
        symbol: str,
        side: str,
        type: str,
        quantity: Decimal,
        position_side: str = "BOTH",
        price: Decimal | None = None,
        time_in_force: str | None = None,
        reduce_only: bool = False,
        client_order_id: str | None = None,
        now_ms: int,
    ) -> PaperOrder:
        state, rules = self.accounts[account], self._tradable(symbol)
        checks.check_words(side, type, ("MARKET", "LIMIT"))
        checks.check_leg(state, position_side, reduce_only)
        checks.check_quantity(rules, quantity)
        client_id = client_order_id or f"paper-{self.next_order_id}"
        checks.check_client_id(client_id)
        checks.check_unused(client_id, self.open_orders(account))
        if type == "LIMIT":
            checks.check_price(rules, price or ZERO)
        limit = price if type == "LIMIT" else None
        self._check_money(state, symbol, side, position_side, reduce_only, quantity, limit)
        force = time_in_force or "GTC"
        self._check_force(symbol, side, limit, quantity, force)
        order = self._new_order(
            state, client_id, symbol, side, position_side, type, quantity, limit, force, reduce_only, now_ms
        )
        self._take(state, order, now_ms)
        return order

    def _check_money(
        self,
        state: AccountState,
        symbol: str,
        side: str,
        position_side: str,
        reduce_only: bool,
        quantity: Decimal,
        limit: Decimal | None,
    ) -> None:
        if checks.is_reducing(state, side, position_side, reduce_only):
            checks.check_reducible(state, symbol, side, position_side, quantity)
            return
        price = limit if limit is not None else self.touch(symbol, side)
        checks.check_notional(self.rules[symbol], quantity, price)
        growth = quantity - checks.reducible(state, symbol, side, position_side)
        needed = growth * price * (1 / Decimal(leverage_of(state, symbol)) + self.taker_fee)
        if needed > self.balance(state.name).available:
            raise VenueRefusal(-2019, "Margin is insufficient.")

    def _check_force(
        self, symbol: str, side: str, limit: Decimal | None, quantity: Decimal, force: str
    ) -> None:
        if force == "GTX" and limit is not None and self._crosses(symbol, side, limit):
            raise VenueRefusal(-5022, "Due to the order could not be executed as maker, it was rejected.")
        if force == "FOK" and sum(part for part, _ in self._levels(symbol, side, quantity, limit)) < quantity:
            raise VenueRefusal(-5021, "Due to the order could not be filled immediately, it was rejected.")

    def _new_order(
        self,
        state: AccountState,
        client_id: str,
        symbol: str,
        side: str,
        position_side: str,
        type: str,
        quantity: Decimal,
        limit: Decimal | None,
        force: str,
        reduce_only: bool,
        now_ms: int,
        algo: AlgoOrder | None = None,
    ) -> PaperOrder:
        order = PaperOrder(
            self.next_order_id, client_id, symbol, side, position_side, type, quantity, limit, force, reduce_only,
            "NEW", ZERO, ZERO, now_ms, now_ms, algo.type if algo else type, algo.algo_id if algo else None,
        )  # fmt: skip
        self.next_order_id += 1
        state.orders[order.order_id] = order
        self._tell(state, order, "NEW")
        return order

    def _crosses(self, symbol: str, side: str, limit: Decimal) -> bool:
        touch = self.touch(symbol, side)
        return touch <= limit if side == "BUY" else touch >= limit

    def _levels(
        self, symbol: str, side: str, quantity: Decimal, limit: Decimal | None
    ) -> Iterator[tuple[Decimal, Decimal]]:
        """(quantity, price) of each execution, the price getting worse level by level."""
        rules, price = self.rules[symbol], self.touch(symbol, side)
        step = rules.price_increment if side == "BUY" else -rules.price_increment
        for level in range(MAX_LEVELS):
            if quantity <= 0 or (limit is not None and (price > limit if side == "BUY" else price < limit)):
                return
            part = (
                quantity
                if level == MAX_LEVELS - 1 and limit is None
                else min(quantity, self._depth(rules, price))
            )
            yield part, price
            quantity, price = quantity - part, max(price + step, rules.price_increment)

    def _depth(self, rules: Rules, price: Decimal) -> Decimal:
        if self.depth_notional is None:
            return rules.max_quantity
        steps = self.depth_notional // (price * rules.size_increment)
        return max(steps * rules.size_increment, rules.size_increment)

    def _take(self, state: AccountState, order: PaperOrder, now_ms: int) -> None:
        for part, price in list(self._levels(order.symbol, order.side, order.quantity, order.price)):
            self._execute(state, order, part, price, now_ms, maker=False)
        if order.is_open and order.time_in_force == "IOC":
            self._end(state, order, "EXPIRED", now_ms)

    def _fill_resting(self, state: AccountState, symbol: str, now_ms: int) -> None:
        resting = [
            o for o in state.orders.values() if o.is_open and o.symbol == symbol and o.price is not None
        ]
        for order in resting:
            limit = order.price or ZERO
            if self._crosses(symbol, order.side, limit):
                part = min(order.remaining, self._depth(self.rules[symbol], limit))
                self._fill_as_maker(state, order, part, limit, now_ms)

    def _fill_as_maker(
        self, state: AccountState, order: PaperOrder, part: Decimal, limit: Decimal, now_ms: int
    ) -> None:
        """A reducing order that no longer finds enough to reduce expires."""
        if checks.is_reducing(state, order.side, order.position_side, order.reduce_only):
            part = min(part, checks.reducible(state, order.symbol, order.side, order.position_side))
        if part <= 0:
            self._end(state, order, "EXPIRED", now_ms)
        else:
            self._execute(state, order, part, limit, now_ms, maker=True)

    def _execute(
        self,
        state: AccountState,
        order: PaperOrder,
        quantity: Decimal,
        price: Decimal,
        now_ms: int,
        *,
        maker: bool,
        execution: str = "TRADE",
    ) -> None:
        position = state.position(order.symbol, order.position_side)
        commission = (quantity * price * (self.maker_fee if maker else self.taker_fee)).quantize(CENTS)
        profit = book_execution(state, position, order.side, quantity, price, commission)
        position.updated_ms = order.updated_ms = now_ms
        order.executed += quantity
        order.cum_quote += quantity * price
        order.status = "FILLED" if order.remaining == 0 else "PARTIALLY_FILLED"
        trade = PaperTrade(
            self.next_trade_id, order.order_id, order.client_order_id, order.symbol, order.side, order.position_side,
            price, quantity, quantity * price, commission, self.rules[order.symbol].quote, profit, maker, now_ms,
        )  # fmt: skip
        self.next_trade_id += 1
        state.trades.append(trade)
        self._tell(state, order, execution, trade)
        self._events.append(AccountEvent(state.name, "ORDER", state.wallet_balance, (copy(position),)))
        if position.amount == 0:
            self._expire_whole_position_stops(state, position, now_ms)

    def _expire_whole_position_stops(self, state: AccountState, position: PaperPosition, now_ms: int) -> None:
        for algo in state.algos.values():
            same_leg = (algo.symbol, algo.position_side) == (position.symbol, position.position_side)
            if algo.is_open and algo.close_position and same_leg:
                self._set_algo(state, algo, "EXPIRED", now_ms)

    # conditional orders

    def place_algo(
        self,
        account: str,
        *,
        symbol: str,
        side: str,
        type: str,
        trigger_price: Decimal,
        quantity: Decimal | None = None,
        position_side: str = "BOTH",
        working_type: str = "CONTRACT_PRICE",
        reduce_only: bool = False,
        close_position: bool = False,
        client_algo_id: str | None = None,
        now_ms: int,
    ) -> AlgoOrder:
        state, rules = self.accounts[account], self._tradable(symbol)
        checks.check_words(side, type, ("STOP_MARKET", "TAKE_PROFIT_MARKET"))
        checks.check_leg(state, position_side, reduce_only)
        if close_position and quantity is not None:
            raise VenueRefusal(-4136, "Target strategy invalid for orderType with closePosition.")
        if not close_position:
            checks.check_quantity(rules, quantity or ZERO)
        checks.check_price(rules, trigger_price)
        client_id = client_algo_id or f"paper-algo-{self.next_algo_id}"
        checks.check_client_id(client_id)
        checks.check_algo_room(client_id, symbol, self.open_algos(account))
        algo = AlgoOrder(
            self.next_algo_id, client_id, symbol, side, position_side, type, quantity, trigger_price, working_type,
            reduce_only, close_position, "NEW", now_ms, now_ms,
        )  # fmt: skip
        if algo.is_reached(self.prices[symbol]):
            raise VenueRefusal(-2021, "Order would immediately trigger.")
        self.next_algo_id += 1
        state.algos[algo.algo_id] = algo
        self._set_algo(state, algo, "NEW", now_ms)
        return algo

    def _trigger(self, state: AccountState, symbol: str, now_ms: int) -> None:
        for algo in list(state.algos.values()):
            if algo.is_open and algo.symbol == symbol and algo.is_reached(self.prices[symbol]):
                self._set_algo(state, algo, "TRIGGERING", now_ms)
                self._fire(state, algo, now_ms)

    def _fire(self, state: AccountState, algo: AlgoOrder, now_ms: int) -> None:
        quantity = algo.quantity
        if quantity is None:
            quantity = checks.reducible(state, algo.symbol, algo.side, algo.position_side)
        try:
            checks.check_quantity(self.rules[algo.symbol], quantity)
            reduces = algo.reduce_only or algo.close_position
            self._check_money(state, algo.symbol, algo.side, algo.position_side, reduces, quantity, None)
        except VenueRefusal as refusal:
            algo.reason = refusal.message
            self._set_algo(state, algo, "REJECTED", now_ms)
            return
        child = self._new_order(
            state, algo.client_algo_id, algo.symbol, algo.side, algo.position_side, "MARKET", quantity, None, "GTC",
            algo.reduce_only, now_ms, algo,
        )  # fmt: skip
        algo.actual_order_id = child.order_id
        self._set_algo(state, algo, "TRIGGERED", now_ms)
        self._take(state, child, now_ms)
        self._set_algo(state, algo, "FINISHED", now_ms)

    def _liquidate(self, state: AccountState, now_ms: int) -> None:
        if not must_liquidate(balance_of(state, self.prices, self.rules)):
            return
        for position in [p for p in state.positions.values() if p.amount]:
            side = "SELL" if position.amount > 0 else "BUY"
            client_id = f"autoclose-{now_ms}{self.next_order_id}"[:36]
            order = self._new_order(
                state, client_id, position.symbol, side, position.position_side, "MARKET", abs(position.amount),
                None, "IOC", False, now_ms,
            )  # fmt: skip
            price = self.touch(order.symbol, side)
            self._execute(state, order, order.quantity, price, now_ms, maker=False, execution="CALCULATED")

    # look-ups and cancels

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
