"""What the exchange does to a position of its own accord: funding, liquidation, deleveraging. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from decimal import Decimal

from exchanges.paper.book import (
    AccountEvent,
    AccountState,
    PaperIncome,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    VenueRefusal,
)
from exchanges.paper.ledger import CENTS
from exchanges.paper.margin import balance_of, must_liquidate
from exchanges.paper.plain_orders import PlainOrders

LIQUIDATION, DELEVERAGING = "autoclose-", "adl_autoclose"
FORCED = {"LIQUIDATION": LIQUIDATION, "ADL": DELEVERAGING}


class Interventions(PlainOrders):
    def charge_funding(self, symbol: str, rate: Decimal, now_ms: int) -> list[PaperIncome]:
        """Every open position pays its value times the rate, or gets it: a long pays a rate above zero."""
        self._tradable(symbol)
        charged = []
        for state in self.accounts.values():
            for position in [p for p in state.positions.values() if p.symbol == symbol and p.amount]:
                charged.append(self._charge(state, position, rate, now_ms))
            self._liquidate_if_due(state, now_ms)
        return charged

    def _charge(
        self, state: AccountState, position: PaperPosition, rate: Decimal, now_ms: int
    ) -> PaperIncome:
        symbol = position.symbol
        amount = (-position.amount * self.prices[symbol] * rate).quantize(CENTS)
        asset = self.rules[symbol].quote
        income = PaperIncome(
            self.next_transaction_id, "FUNDING_FEE", symbol, amount, asset, now_ms, quantity=position.amount,
            price=self.prices[symbol],
        )  # fmt: skip
        position.realized += amount
        position.realized_ever += amount
        self.next_transaction_id += 1
        state.wallet_balance += amount
        state.funding.append(income)
        isolated = state.margin_type.get(symbol) == "ISOLATED"
        told = (
            (copy(position),) if isolated else ()
        )  # of a cross position the exchange tells the balance only
        self._events.append(AccountEvent(state.name, "FUNDING_FEE", state.wallet_balance, told, income))
        return income

    def incomes(self, account: str) -> list[PaperIncome]:
        """Everything that moved the wallet, oldest first."""
        state = self.accounts[account]
        of_trades = [income for trade in state.trades for income in _incomes_of(trade)]
        return sorted([*of_trades, *state.funding], key=lambda income: income.time_ms)

    def liquidate(self, account: str, symbol: str, position_side: str, now_ms: int) -> PaperOrder:
        state, position = self._held(account, symbol, position_side)
        return self._force_close(state, position, self._liquidation_id(now_ms), now_ms)

    def deleverage(self, account: str, symbol: str, position_side: str, now_ms: int) -> PaperOrder:
        state, position = self._held(account, symbol, position_side)
        return self._force_close(state, position, DELEVERAGING, now_ms)

    def lose(self, account: str, symbol: str, position_side: str) -> None:
        """The leg is gone and no execution says how, as after a fault of the venue's own books."""
        position = self._held(account, symbol, position_side)[1]
        position.amount, position.entry_price = Decimal(0), Decimal(0)

    def forced_orders(self, account: str, kind: str | None = None) -> list[PaperOrder]:
        """kind is LIQUIDATION or ADL."""
        prefixes = tuple(FORCED.values()) if kind is None else FORCED[kind]
        orders = self.accounts[account].orders.values()
        return [order for order in orders if order.client_order_id.startswith(prefixes)]

    def _held(self, account: str, symbol: str, position_side: str) -> tuple[AccountState, PaperPosition]:
        state, rules = self.accounts[account], self._tradable(symbol)
        position = state.position(rules.symbol, position_side)
        if not position.amount:
            raise VenueRefusal(-2022, "ReduceOnly Order is rejected.")
        return state, position

    def _liquidate_if_due(self, state: AccountState, now_ms: int) -> None:
        if must_liquidate(balance_of(state, self.prices, self.rules)):
            for position in [p for p in state.positions.values() if p.amount]:
                self._force_close(state, position, self._liquidation_id(now_ms), now_ms)

    def _liquidation_id(self, now_ms: int) -> str:
        return f"{LIQUIDATION}{now_ms}{self.next_order_id}"[:36]

    def _force_close(
        self, state: AccountState, position: PaperPosition, client_id: str, now_ms: int
    ) -> PaperOrder:
        side = "SELL" if position.amount > 0 else "BUY"
        order = self._new_order(
            state, client_id, position.symbol, side, position.position_side, "MARKET", abs(position.amount), None,
            "IOC", False, now_ms,
        )  # fmt: skip
        price = self.touch(order.symbol, side)
        self._execute(state, order, order.quantity, price, now_ms, maker=False, execution="CALCULATED")
        return order


def _incomes_of(trade: PaperTrade) -> Iterator[PaperIncome]:
    for kind, amount in (("REALIZED_PNL", trade.realized_pnl), ("COMMISSION", -trade.commission)):
        if amount:
            yield PaperIncome(
                trade.trade_id,
                kind,
                trade.symbol,
                amount,
                trade.commission_asset,
                trade.time_ms,
                trade.trade_id,
            )
