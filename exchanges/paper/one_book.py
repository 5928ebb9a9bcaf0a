"""Orders where conditional ones stand among the others and keep their number when they fire. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from exchanges.paper.book import AccountState, AlgoOrder, PaperOrder, PaperTrade, VenueRefusal
from exchanges.paper.matching import Engine


@dataclass(frozen=True, slots=True)
class Seen:
    """One order: its condition, if it has one, and what it became, if it did."""

    plain: PaperOrder | None
    algo: AlgoOrder | None

    @property
    def number(self) -> int:
        return self.plain.order_id if self.plain else self._condition.algo_id

    @property
    def client_order_id(self) -> str:
        return self.plain.client_order_id if self.plain else self._condition.client_algo_id

    @property
    def symbol(self) -> str:
        return (self.plain or self._condition).symbol

    @property
    def is_open(self) -> bool:
        return (self.plain or self._condition).is_open

    @property
    def created_ms(self) -> int:
        return (self.algo or self._known).created_ms

    @property
    def _known(self) -> PaperOrder:
        assert self.plain is not None  # noqa: S101  (one of the two always is)
        return self.plain

    @property
    def _condition(self) -> AlgoOrder:
        assert self.algo is not None  # noqa: S101
        return self.algo


def all_seen(state: AccountState) -> list[Seen]:
    """Newest first."""
    fired = {order.algo_id for order in state.orders.values()}
    seen = [seen_of(state, order) for order in state.orders.values()]
    seen += [Seen(None, algo) for algo in state.algos.values() if algo.algo_id not in fired]
    return sorted(seen, key=lambda one: one.number, reverse=True)


def seen_of(state: AccountState, order: PaperOrder) -> Seen:
    return Seen(order, state.algos.get(order.algo_id or 0))


def order_of(state: AccountState, trade: PaperTrade) -> Seen | None:
    """None when it is forgotten."""
    order = state.orders.get(trade.order_id)
    return None if order is None else seen_of(state, order)


def find(state: AccountState, symbol: str, number: int | None, client_order_id: str | None) -> Seen:
    for one in all_seen(state):
        wanted = one.number == number if number else one.client_order_id == client_order_id
        if wanted and one.symbol == symbol:
            return one
    raise VenueRefusal(-2013, "Order does not exist.")


def find_open(state: AccountState, symbol: str, number: int | None, client_order_id: str | None) -> Seen:
    try:
        found = find(state, symbol, number, client_order_id)
    except VenueRefusal:
        found = None
    if found is None or not found.is_open:
        raise VenueRefusal(-2011, "Unknown order sent.")
    return found


def cancel(engine: Engine, account: str, wanted: Seen, now_ms: int) -> None:
    if wanted.plain is not None:
        engine.cancel(account, wanted.symbol, wanted.number, now_ms=now_ms)
    else:
        engine.cancel_algo(account, wanted.number, now_ms=now_ms)
