"""The stop-loss, take-profit and trailing stop that belong to a position itself and go with it. Pure."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from decimal import Decimal

from exchanges.paper import checks
from exchanges.paper.account_settings import AccountSettings
from exchanges.paper.book import ZERO, AccountState, AlgoOrder, PaperPosition, Rules, VenueRefusal

STOP_LOSS, TAKE_PROFIT, TRAILING = "STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"


@dataclass(frozen=True, slots=True)
class Exits:
    """None leaves what is, zero takes it away. trailing is a distance in price."""

    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing: Decimal | None = None
    activate_price: Decimal | None = None
    stop_by: str = "CONTRACT_PRICE"
    profit_by: str = "CONTRACT_PRICE"


class PositionExits(AccountSettings):
    def set_exits(self, account: str, symbol: str, position_side: str, wanted: Exits, now_ms: int) -> None:
        """All of them or, when one is refused, none."""
        state = self.accounts[account]
        checks.check_leg(state, self._rules(symbol).symbol, position_side, reduce_only=False)
        position = state.position(symbol, position_side)
        if not position.amount:
            raise VenueRefusal(10001, "can not set tp/sl/ts for zero position")
        changes = [
            change for kind in (STOP_LOSS, TAKE_PROFIT, TRAILING)
            if (change := self._change(state, position, kind, wanted)) is not None
        ]  # fmt: skip
        if not changes:
            raise VenueRefusal(34040, "not modified")
        for old, new in changes:
            self._exchange(state, old, new, now_ms)

    def exit_of(self, account: str, position: PaperPosition, kind: str) -> AlgoOrder | None:
        for algo in self.open_algos(account, position.symbol):
            if algo.close_position and (algo.type, algo.position_side) == (kind, position.position_side):
                return algo
        return None

    def _change(
        self, state: AccountState, position: PaperPosition, kind: str, wanted: Exits
    ) -> tuple[AlgoOrder | None, AlgoOrder | None] | None:
        """What is now, and what shall be in its place; None where nothing changes."""
        level, by = _asked(kind, wanted)
        old = self.exit_of(state.name, position, kind)
        if level is None or (not level and old is None):
            return None
        if not level:
            return old, None
        price = self._price_by(by, position.symbol)
        new = _made(old, position, kind, level, by, wanted.activate_price)
        if old is not None and _terms(old) == _terms(new):
            return None
        _check(self.rules[position.symbol], new, price)
        if new.trails:
            new.best_price = price
        return old, new

    def _exchange(
        self, state: AccountState, old: AlgoOrder | None, new: AlgoOrder | None, now_ms: int
    ) -> None:
        """Another level of the same exit keeps its order."""
        if new is None:
            if old is not None:
                self._set_algo(state, old, "CANCELED", now_ms)
            return
        if old is None:
            new.algo_id, new.created_ms = self._next_algo_id(state), now_ms
        state.algos[new.algo_id] = new
        self._set_algo(state, new, "NEW", now_ms)


def _asked(kind: str, wanted: Exits) -> tuple[Decimal | None, str]:
    if kind == TRAILING:
        return wanted.trailing, "CONTRACT_PRICE"
    stops = kind == STOP_LOSS
    return (wanted.stop_loss, wanted.stop_by) if stops else (wanted.take_profit, wanted.profit_by)


def _made(
    old: AlgoOrder | None,
    position: PaperPosition,
    kind: str,
    level: Decimal,
    by: str,
    activate_price: Decimal | None,
) -> AlgoOrder:
    side = "SELL" if position.amount > 0 else "BUY"
    new = copy(old) if old is not None else AlgoOrder(
        0, "", position.symbol, side, position.position_side, kind, None, ZERO, by, True, True, "NEW", 0, 0
    )  # fmt: skip
    new.working_type = by
    if kind == TRAILING:
        new.callback_amount, new.activate_price = level, activate_price or None
    else:
        new.trigger_price = level
    return new


def _terms(algo: AlgoOrder) -> tuple[object, ...]:
    return algo.trigger_price, algo.working_type, algo.callback_amount, algo.activate_price


def _check(rules: Rules, exit: AlgoOrder, price: Decimal) -> None:
    holder = "Buy" if exit.side == "SELL" else "Sell"
    for level in (exit.trigger_price, exit.callback_amount, exit.activate_price):
        if level and (level < 0 or level % rules.price_increment):
            raise VenueRefusal(10001, f"the price {level} does not fit the tick size")
    if exit.trails:
        starts_at = exit.activate_price
        if starts_at and (starts_at <= price if exit.side == "SELL" else starts_at >= price):
            raise VenueRefusal(
                10001, f"TrailingProfit:{starts_at} set for {holder} position is behind {price}"
            )
    elif exit.is_reached(price):
        word = "StopLoss" if exit.type == STOP_LOSS else "TakeProfit"
        should = "higher" if exit.fires_upwards else "lower"
        raise VenueRefusal(
            10001, f"{word}:{exit.trigger_price} set for {holder} position should be {should} than {price}"
        )
