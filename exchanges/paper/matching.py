"""The paper exchange's engine: prices come in, conditional orders fire.

Pure: prices come in by set_price, the time of every act by its `now_ms`. Refusals raise VenueRefusal and change
nothing. What happened is told by drain_events, in order.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from decimal import Decimal

from exchanges.paper import checks
from exchanges.paper.book import ZERO, AccountState, AlgoOrder, BestPriceMoved, VenueRefusal
from exchanges.paper.interventions import Interventions

OPEN_INTEREST = Decimal(25_000_000)
ONE_THOUSANDTH = Decimal("0.001")
ALGO_TYPES = ("STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")


class Engine(Interventions):
    def set_price(
        self, symbol: str, price: Decimal, now_ms: int, volume: Decimal = ZERO, last: Decimal | None = None
    ) -> None:
        """`last`: a trade apart from the mark price. `volume` is what traded, for the candles alone."""
        self.match_acknowledged(now_ms)
        self.prices[self._rules(symbol).symbol] = price
        self._set_last(symbol, price if last is None else last)
        self.minutes[symbol].take(self.last(symbol), now_ms, volume)
        if symbol in self.mark_apart:
            self.mark_apart[symbol].take(price, now_ms, ZERO)
        for state in self.accounts.values():
            self._fill_resting(state, symbol, now_ms)
            self._trigger(state, symbol, now_ms)
            self._liquidate_if_due(state, now_ms)

    def _set_last(self, symbol: str, last: Decimal) -> None:
        if last == self.prices[symbol]:
            self.last_apart.pop(symbol, None)
        else:
            self.last_apart[symbol] = last
            self.mark_apart.setdefault(symbol, self.minutes[symbol].copy())

    def place_algo(
        self,
        account: str,
        *,
        symbol: str,
        side: str,
        type: str,
        trigger_price: Decimal = ZERO,
        callback_rate: Decimal | None = None,
        activate_price: Decimal | None = None,
        quantity: Decimal | None = None,
        position_side: str = "BOTH",
        working_type: str = "CONTRACT_PRICE",
        reduce_only: bool = False,
        close_position: bool = False,
        client_algo_id: str | None = None,
        price: Decimal | None = None,
        now_ms: int,
    ) -> AlgoOrder:
        state, rules = self.accounts[account], self._tradable(symbol)
        checks.check_words(side, type, ALGO_TYPES)
        checks.check_working_type(working_type)
        market = self._price_by(working_type, symbol)
        checks.check_leg(state, symbol, position_side, reduce_only)
        if close_position and quantity is not None:
            raise VenueRefusal(-4136, "Target strategy invalid for orderType with closePosition.")
        if not close_position:
            checks.check_quantity(rules, quantity or ZERO)
        client_id = self._name(state, client_algo_id, f"paper-algo-{self.next_algo_id}")
        checks.check_client_id(state, client_id)
        checks.check_algo_room(client_id, symbol, self.open_algos(account))
        algo = AlgoOrder(
            0, client_id, symbol, side, position_side, type, quantity, trigger_price, working_type,
            reduce_only, close_position, "NEW", now_ms, now_ms, callback_rate=callback_rate,
            activate_price=activate_price, best_price=None if callback_rate is None else market, price=price,
        )  # fmt: skip
        checks.check_condition(rules, algo, market)
        algo.algo_id = self._next_algo_id(state)
        if state.venue.ids_for_good and client_id:
            state.used_ids.add(client_id)
        state.algos[algo.algo_id] = algo
        self._set_algo(state, algo, "NEW", now_ms)
        return algo

    def amend_algo(
        self, account: str, algo_id: int, trigger_price: Decimal, quantity: Decimal | None, now_ms: int
    ) -> AlgoOrder:
        state, algo = self.accounts[account], self.find_algo(account, algo_id)
        changed = replace(algo, trigger_price=trigger_price, quantity=quantity)
        if changed == algo:
            raise VenueRefusal(-5027, "No need to modify the order.")
        rules = self.rules[algo.symbol]
        checks.check_quantity(rules, quantity or ZERO)
        checks.check_condition(rules, changed, self._price_by(algo.working_type, algo.symbol))
        state.algos[algo_id] = changed
        self._set_algo(state, changed, "NEW", now_ms)
        return changed

    def _trigger(self, state: AccountState, symbol: str, now_ms: int) -> None:
        for algo in list(state.algos.values()):
            if algo.is_open and algo.symbol == symbol:
                self._judge(state, algo, self._price_by(algo.working_type, symbol), now_ms)

    def _judge(self, state: AccountState, algo: AlgoOrder, price: Decimal, now_ms: int) -> None:
        if algo.trails and algo.is_best(price):
            algo.best_price = price
            self._events.append(BestPriceMoved(state.name, copy(algo)))
        elif algo.is_reached(price):
            self._set_algo(state, algo, "TRIGGERING", now_ms)
            self._fire(state, algo, now_ms)

    def held_by_all(self, symbol: str) -> Decimal:
        """The open interest, which no account here makes: a fixed value at the price of now, unless it was told."""
        told = self.open_interest.get(self._rules(symbol).symbol)
        return (OPEN_INTEREST / self.prices[symbol]).quantize(ONE_THOUSANDTH) if told is None else told

    def _fire(self, state: AccountState, algo: AlgoOrder, now_ms: int) -> None:
        quantity = algo.quantity
        if quantity is None:
            quantity = checks.reducible(state, algo.symbol, algo.side, algo.position_side)
        reduces = algo.reduce_only or algo.close_position
        try:
            checks.check_quantity(self.rules[algo.symbol], quantity)
            quantity = self._cut(state, algo.symbol, algo.side, algo.position_side, reduces, quantity)
            self._check_money(state, algo.symbol, algo.side, algo.position_side, reduces, quantity, None)
        except VenueRefusal as refusal:
            algo.reason = refusal.message
            self._set_algo(state, algo, "REJECTED", now_ms)
            return
        kind = "LIMIT" if algo.price else "MARKET"
        child = self._new_order(
            state, algo.client_algo_id, algo.symbol, algo.side, algo.position_side, kind, quantity, algo.price, "GTC",
            algo.reduce_only, now_ms, algo,
        )  # fmt: skip
        algo.actual_order_id = child.order_id
        self._set_algo(state, algo, "TRIGGERED", now_ms)
        self._take(state, child, now_ms)
        self._set_algo(state, algo, "FINISHED", now_ms)
