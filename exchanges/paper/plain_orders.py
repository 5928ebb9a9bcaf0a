"""Plain orders of the paper exchange: what is taken at once, what rests, what each execution books. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from decimal import Decimal

from exchanges.paper import checks
from exchanges.paper.book import (
    ZERO,
    AccountEvent,
    AccountState,
    AlgoOrder,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    Rules,
    VenueRefusal,
)
from exchanges.paper.ledger import CENTS, book_execution
from exchanges.paper.margin import leverage_of
from exchanges.paper.position_exits import Exits, PositionExits

MAX_LEVELS = 50
REDUCED = "CancelByReduceOnly"


class PlainOrders(PositionExits):
    def touch(self, symbol: str, side: str) -> Decimal:
        """The price a market order of this side meets first: the ask for a buy, the bid for a sell."""
        rules = self.rules[symbol]
        away = rules.price_increment * self.spread_ticks * (1 if side == "BUY" else -1)
        return max(self.last(symbol) + away, rules.price_increment)

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
        good_till_ms: int = 0,
        reduce_only: bool = False,
        client_order_id: str | None = None,
        exits: tuple[Decimal | None, Decimal | None] = (None, None),
        now_ms: int,
    ) -> PaperOrder:
        """`exits` are the stop-loss and the take-profit that the position gets with the first execution."""
        state, rules = self.accounts[account], self._tradable(symbol)
        checks.check_words(side, type, ("MARKET", "LIMIT"))
        checks.check_leg(state, symbol, position_side, reduce_only)
        checks.check_quantity(rules, quantity)
        client_id = self._name(state, client_order_id, f"paper-{self.next_order_id}")
        checks.check_client_id(state, client_id)
        checks.check_unused(client_id, self.open_orders(account))
        if type == "LIMIT":
            checks.check_price(rules, price or ZERO)
        limit = price if type == "LIMIT" else None
        quantity = self._cut(state, symbol, side, position_side, reduce_only, quantity)
        self._check_money(state, symbol, side, position_side, reduce_only, quantity, limit)
        force = time_in_force or "GTC"
        checks.check_good_till(force, good_till_ms, now_ms)
        if not state.venue.acknowledges_first:
            self._check_force(symbol, side, limit, quantity, force)
        order = self._new_order(
            state, client_id, symbol, side, position_side, type, quantity, limit, force, reduce_only, now_ms,
            good_till_ms=good_till_ms, exits=exits,
        )  # fmt: skip
        self._to_market(state, order, now_ms)
        return order

    def amend(
        self,
        account: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        side: str,
        quantity: Decimal,
        price: Decimal,
        now_ms: int,
    ) -> PaperOrder:
        """Moves a working limit order. A quantity that has filled already, or a maker's price that would take,
        ends it instead."""
        state, order = self.accounts[account], self.find(account, symbol, order_id, client_order_id)
        if not order.is_open:
            raise VenueRefusal(-2013, "Order does not exist.")
        checks.check_amendable(order, side)
        checks.check_quantity(self.rules[symbol], quantity)
        checks.check_price(self.rules[symbol], price)
        if (quantity, price) == (order.quantity, order.price):
            raise VenueRefusal(-5027, "No need to modify the order.")
        takes = (
            order.time_in_force == "GTX"
            and self._crosses(symbol, side, price)
            and not state.venue.acknowledges_first
        )
        if quantity <= order.executed or takes:
            self._end(state, order, "CANCELED", now_ms)
            return order
        self._check_money(state, symbol, side, order.position_side, order.reduce_only, quantity, price)
        order.quantity, order.price, order.updated_ms = quantity, price, now_ms
        self._tell(state, order, "AMENDMENT")
        self._to_market(state, order, now_ms)
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
        if checks.is_reducing(side, position_side, reduce_only):
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
        good_till_ms: int = 0,
        exits: tuple[Decimal | None, Decimal | None] = (None, None),
    ) -> PaperOrder:
        number = algo.algo_id if algo and state.venue.one_book else self._next_order_id()
        order = PaperOrder(
            number, client_id, symbol, side, position_side, type, quantity, limit, force, reduce_only, "NEW", ZERO,
            ZERO, now_ms, now_ms, algo.type if algo else type, algo.algo_id if algo else None, good_till_ms,
            "", *exits,
        )  # fmt: skip
        if state.venue.ids_for_good and client_id:
            state.used_ids.add(client_id)
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

    def _to_market(self, state: AccountState, order: PaperOrder, now_ms: int) -> None:
        if state.venue.acknowledges_first:
            self._acknowledged.append((state.name, order.order_id))
        else:
            self._take(state, order, now_ms)

    @property
    def has_acknowledged(self) -> bool:
        return bool(self._acknowledged)

    def match_acknowledged(self, now_ms: int) -> None:
        """Orders that have their number and nothing else yet meet the market."""
        waiting, self._acknowledged = self._acknowledged, []
        for name, order_id in waiting:
            order = self.accounts[name].orders.get(order_id)
            if order is not None and order.is_open:
                self._meet_market(self.accounts[name], order, now_ms)

    def acknowledge_again(self) -> None:
        """After a restart: what met no market before it does so now."""
        for state in self.accounts.values():
            if state.venue.acknowledges_first:
                waiting = [order for order in self.open_orders(state.name) if order.type == "MARKET"]
                self._acknowledged += [(state.name, order.order_id) for order in waiting]

    def _meet_market(self, state: AccountState, order: PaperOrder, now_ms: int) -> None:
        try:
            self._check_force(order.symbol, order.side, order.price, order.remaining, order.time_in_force)
            order.quantity = order.executed + self._cut(
                state, order.symbol, order.side, order.position_side, order.reduce_only, order.remaining
            )
        except VenueRefusal as refusal:
            order.reason = str(refusal)
            self._end(state, order, "CANCELED", now_ms)
        else:
            self._take(state, order, now_ms)

    def _cut(
        self,
        state: AccountState,
        symbol: str,
        side: str,
        position_side: str,
        reduce_only: bool,
        quantity: Decimal,
    ) -> Decimal:
        """A reducing order is made as big as what there is to reduce, where the exchange does so."""
        if not state.venue.cuts_reducing or not checks.is_reducing(side, position_side, reduce_only):
            return quantity
        held = checks.reducible(state, symbol, side, position_side)
        if not held:
            raise VenueRefusal(-2022, "ReduceOnly Order is rejected.")
        return min(quantity, held)

    def _take(self, state: AccountState, order: PaperOrder, now_ms: int) -> None:
        for part, price in list(self._levels(order.symbol, order.side, order.remaining, order.price)):
            self._execute(state, order, part, price, now_ms, maker=False)
        if order.is_open and order.time_in_force == "IOC":
            self._end(state, order, "EXPIRED", now_ms)

    def _fill_resting(self, state: AccountState, symbol: str, now_ms: int) -> None:
        resting = [
            o for o in state.orders.values() if o.is_open and o.symbol == symbol and o.price is not None
        ]
        for order in resting:
            limit = order.price or ZERO
            if 0 < order.good_till_ms <= now_ms:
                self._end(state, order, "EXPIRED", now_ms)
            elif self._crosses(symbol, order.side, limit):
                part = min(order.remaining, self._depth(self.rules[symbol], limit))
                self._fill_as_maker(state, order, part, limit, now_ms)

    def _fill_as_maker(
        self, state: AccountState, order: PaperOrder, part: Decimal, limit: Decimal, now_ms: int
    ) -> None:
        """A reducing order that no longer finds enough to reduce expires."""
        if checks.is_reducing(order.side, order.position_side, order.reduce_only):
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
        if position.amount == 0:
            position.created_ms, position.realized = now_ms, ZERO
        profit = book_execution(state, position, order.side, quantity, price, commission)
        position.realized += profit - commission
        position.realized_ever += profit - commission
        position.updated_ms = order.updated_ms = now_ms
        order.executed += quantity
        order.cum_quote += quantity * price
        order.fee += commission
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
            self._end_what_would_reduce(state, position, now_ms)
        elif order.stop_loss or order.take_profit:
            self._attach_exits(state, order, now_ms)

    def _attach_exits(self, state: AccountState, order: PaperOrder, now_ms: int) -> None:
        """What the market has passed meanwhile, or what is there already, stays as it is."""
        wanted = Exits(order.stop_loss, order.take_profit)
        with suppress(VenueRefusal):
            self.set_exits(state.name, order.symbol, order.position_side, wanted, now_ms)

    def _end_what_would_reduce(self, state: AccountState, position: PaperPosition, now_ms: int) -> None:
        if not state.venue.cuts_reducing:
            return
        for order in self.open_orders(state.name, position.symbol):
            same_leg = order.position_side == position.position_side
            if same_leg and checks.is_reducing(order.side, order.position_side, order.reduce_only):
                order.reason = REDUCED
                self._end(state, order, "CANCELED", now_ms)

    def _expire_whole_position_stops(self, state: AccountState, position: PaperPosition, now_ms: int) -> None:
        for algo in state.algos.values():
            same_leg = (algo.symbol, algo.position_side) == (position.symbol, position.position_side)
            if algo.is_open and algo.close_position and same_leg:
                self._set_algo(state, algo, "EXPIRED", now_ms)
