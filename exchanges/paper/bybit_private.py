"""What Bybit's private topics tell of each event of the engine."""

from __future__ import annotations

from collections.abc import Iterator

from exchanges.paper import bybit_figures as figures
from exchanges.paper import bybit_words as words
from exchanges.paper.book import AccountEvent, AlgoEvent, AlgoOrder, OrderEvent, PaperPosition
from exchanges.paper.bybit_account import position
from exchanges.paper.bybit_words import Json
from exchanges.paper.matching import Engine
from exchanges.paper.one_book import Seen, seen_of

# how a conditional order goes on is told by the order it has become
UNTOLD = ("TRIGGERED", "FINISHED")
Rows = Iterator[tuple[str, Json]]


def rows_of(engine: Engine, event: OrderEvent | AlgoEvent | AccountEvent) -> Rows:
    """Topic and row, in the order in which they are told."""
    if isinstance(event, AccountEvent):
        return _of_account(engine, event)
    return _of_condition(engine, event) if isinstance(event, AlgoEvent) else _of_order(engine, event)


def _of_order(engine: Engine, event: OrderEvent) -> Rows:
    seen = seen_of(engine.account(event.account), event.order)
    if event.trade is not None:
        yield "execution", figures.execution(event.trade, seen)
    yield "order", words.order(seen)


def _of_condition(engine: Engine, event: AlgoEvent) -> Rows:
    if event.algo.status in UNTOLD:
        return
    yield "order", words.order(Seen(None, event.algo))
    if event.algo.close_position:
        yield "position", _position(engine, event.account, _leg_of(engine, event.account, event.algo))


def _of_account(engine: Engine, event: AccountEvent) -> Rows:
    if event.income is not None:
        yield "execution", figures.funding_execution(event.income)
    for row in event.positions:
        yield "position", _position(engine, event.account, row)
    yield "wallet", figures.wallet(engine.balance(event.account))


def _position(engine: Engine, account: str, row: PaperPosition) -> Json:
    return position(engine, account, row, entry="entryPrice")


def _leg_of(engine: Engine, account: str, algo: AlgoOrder) -> PaperPosition:
    return engine.account(account).position(algo.symbol, algo.position_side)
