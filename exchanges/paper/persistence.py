"""The engine's state as plain JSON records and back: one record says what one entity is now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, TypeVar

from exchanges.paper.book import (
    AccountEvent,
    AccountState,
    AlgoEvent,
    AlgoOrder,
    BestPriceMoved,
    Event,
    PaperIncome,
    PaperOrder,
    PaperPosition,
    PaperTrade,
)
from exchanges.paper.candles import Candle, Minutes
from exchanges.paper.matching import Engine
from exchanges.paper.venue_rules import BINANCE, VENUES

Record = dict[str, Any]
Row = TypeVar("Row", PaperOrder, AlgoOrder, PaperTrade, PaperPosition, PaperIncome)


def records_of(events: Iterable[Event]) -> Iterator[Record]:
    """What changed, in order."""
    for event in events:
        if isinstance(event, AccountEvent):
            yield {"kind": "wallet", "account": event.account, "balance": str(event.wallet_balance)}
            yield from (_record("position", event.account, position) for position in event.positions)
            if event.income is not None:
                yield _record("funding", event.account, event.income)
        elif isinstance(event, AlgoEvent | BestPriceMoved):
            yield _record("algo", event.account, event.algo)
        else:
            yield _record("order", event.account, event.order)
            if event.trade is not None:
                yield _record("trade", event.account, event.trade)


def account_record(state: AccountState) -> Record:
    """Everything of an account that no event tells."""
    return {
        "kind": "account",
        "account": state.name,
        "balance": str(state.wallet_balance),
        "venue": state.venue.name,
        "dual_side": state.dual_side,
        "dual_symbols": state.dual_symbols,
        "leverage": state.leverage,
        "margin_type": state.margin_type,
    }


def prices_record(engine: Engine) -> Record:
    return {"kind": "prices", "prices": _texts(engine.prices), "last": _texts(engine.last_apart)}


def _texts(prices: Mapping[str, Decimal]) -> dict[str, str]:
    return {symbol: str(price) for symbol, price in prices.items()}


def candle_records(engine: Engine, from_ms: int = 0) -> Iterator[Record]:
    for kind, series in (("candles", engine.minutes), ("mark_candles", engine.mark_apart)):
        for symbol, minutes in series.items():
            rows = [_short(row) for row in minutes.rows() if row.open_ms >= from_ms]
            if rows:
                yield {"kind": kind, "symbol": symbol, "rows": rows}


def _short(row: Candle) -> list[Any]:
    return [row.open_ms, *map(str, (row.open, row.high, row.low, row.close, row.volume))]


def snapshot(engine: Engine) -> Iterator[Record]:
    yield prices_record(engine)
    yield from candle_records(engine)
    for state in engine.accounts.values():
        yield account_record(state)
        if state.used_ids:
            yield {"kind": "used_ids", "account": state.name, "ids": sorted(state.used_ids)}
        yield from (_record("position", state.name, p) for p in state.positions.values() if p.amount)
        yield from (_record("order", state.name, order) for order in state.orders.values())
        yield from (_record("algo", state.name, algo) for algo in state.algos.values())
        yield from (_record("trade", state.name, trade) for trade in state.trades)
        yield from (_record("funding", state.name, income) for income in state.funding)


def restore(engine: Engine, records: Iterable[Record]) -> None:
    for record in records:
        _RESTORE[record["kind"]](engine, record)
    engine.acknowledge_again()


def _restore_account(engine: Engine, record: Record) -> None:
    state = engine.accounts.setdefault(record["account"], AccountState(record["account"], Decimal(0)))
    state.wallet_balance = Decimal(record["balance"])
    # a file of before knows one exchange only
    state.venue = VENUES[record.get("venue", BINANCE.name)]
    state.dual_side, state.dual_symbols = record["dual_side"], dict(record.get("dual_symbols", {}))
    state.leverage, state.margin_type = dict(record["leverage"]), dict(record["margin_type"])


def _restore_wallet(engine: Engine, record: Record) -> None:
    engine.accounts[record["account"]].wallet_balance = Decimal(record["balance"])


def _restore_position(engine: Engine, record: Record) -> None:
    position = _row(PaperPosition, record["row"])
    engine.accounts[record["account"]].positions[position.symbol, position.position_side] = position


def _restore_order(engine: Engine, record: Record) -> None:
    order = _row(PaperOrder, record["row"])
    state = engine.accounts[record["account"]]
    state.orders[order.order_id] = order
    _restore_id(state, order.client_order_id)
    engine.next_order_id = max(engine.next_order_id, order.order_id + 1)


def _restore_algo(engine: Engine, record: Record) -> None:
    algo = _row(AlgoOrder, record["row"])
    state = engine.accounts[record["account"]]
    state.algos[algo.algo_id] = algo
    _restore_id(state, algo.client_algo_id)
    if state.venue.one_book:
        engine.next_order_id = max(engine.next_order_id, algo.algo_id + 1)
    else:
        engine.next_algo_id = max(engine.next_algo_id, algo.algo_id + 1)


def _restore_id(state: AccountState, client_id: str) -> None:
    if state.venue.ids_for_good and client_id:
        state.used_ids.add(client_id)


def _restore_used_ids(engine: Engine, record: Record) -> None:
    engine.accounts[record["account"]].used_ids.update(record["ids"])


def _restore_trade(engine: Engine, record: Record) -> None:
    trade = _row(PaperTrade, record["row"])
    engine.accounts[record["account"]].trades.append(trade)
    engine.next_trade_id = max(engine.next_trade_id, trade.trade_id + 1)


def _restore_funding(engine: Engine, record: Record) -> None:
    income = _row(PaperIncome, record["row"])
    engine.accounts[record["account"]].funding.append(income)
    engine.next_transaction_id = max(engine.next_transaction_id, income.transaction_id + 1)


def _restore_prices(engine: Engine, record: Record) -> None:
    engine.prices.update({symbol: Decimal(price) for symbol, price in record["prices"].items()})
    # a file of before knows no price apart
    engine.last_apart = {symbol: Decimal(price) for symbol, price in record.get("last", {}).items()}


def _restore_candles(engine: Engine, record: Record) -> None:
    _restore_rows(engine.minutes[record["symbol"]], record)


def _restore_mark_candles(engine: Engine, record: Record) -> None:
    """Those that are not told were the ones of last prices."""
    symbol = record["symbol"]
    _restore_rows(engine.mark_apart.setdefault(symbol, engine.minutes[symbol].copy()), record)


def _restore_rows(minutes: Minutes, record: Record) -> None:
    for open_ms, *figures in record["rows"]:
        minutes.restore(Candle(open_ms, *map(Decimal, figures)))


_RESTORE: dict[str, Callable[[Engine, Record], None]] = {
    "account": _restore_account,
    "wallet": _restore_wallet,
    "used_ids": _restore_used_ids,
    "position": _restore_position,
    "order": _restore_order,
    "algo": _restore_algo,
    "trade": _restore_trade,
    "funding": _restore_funding,
    "prices": _restore_prices,
    "candles": _restore_candles,
    "mark_candles": _restore_mark_candles,
}


def _record(kind: str, account: str, row: Row) -> Record:
    return {"kind": kind, "account": account, "row": _plain(row)}


def _plain(row: Row) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Decimal) else value for key, value in asdict(row).items()}


def _row(kind: type[Row], saved: dict[str, Any]) -> Row:
    money = {field.name for field in fields(kind) if "Decimal" in str(field.type)}
    make: Callable[..., Row] = kind
    return make(**{k: Decimal(v) if k in money and v is not None else v for k, v in saved.items()})
