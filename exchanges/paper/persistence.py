"""The engine's state as plain JSON values and back. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, TypeVar

from exchanges.paper.book import AccountState, AlgoOrder, PaperOrder, PaperPosition, PaperTrade
from exchanges.paper.matching import Engine

Row = TypeVar("Row", PaperOrder, AlgoOrder, PaperTrade, PaperPosition)
COUNTERS = ("next_order_id", "next_algo_id", "next_trade_id")


def snapshot(engine: Engine, keep: int = 5000) -> dict[str, Any]:
    """Everything open, and of what is over the newest `keep` of each account."""
    return {
        "prices": {symbol: str(price) for symbol, price in engine.prices.items()},
        "counters": {name: getattr(engine, name) for name in COUNTERS},
        "accounts": [_account(state, keep) for state in engine.accounts.values()],
    }


def restore(engine: Engine, saved: dict[str, Any]) -> None:
    engine.prices.update({symbol: Decimal(price) for symbol, price in saved["prices"].items()})
    for name in COUNTERS:
        setattr(engine, name, saved["counters"][name])
    for account in saved["accounts"]:
        engine.accounts[account["name"]] = _account_from(account)


def _account(state: AccountState, keep: int) -> dict[str, Any]:
    newest_orders = list(state.orders.values())[-keep:]
    newest_algos = list(state.algos.values())[-keep:]
    older_open = [o for o in list(state.orders.values())[:-keep] if o.is_open]
    older_open_algos = [a for a in list(state.algos.values())[:-keep] if a.is_open]
    return {
        "name": state.name,
        "wallet_balance": str(state.wallet_balance),
        "dual_side": state.dual_side,
        "leverage": state.leverage,
        "margin_type": state.margin_type,
        "positions": [_plain(p) for p in state.positions.values() if p.amount],
        "orders": [_plain(o) for o in older_open + newest_orders],
        "algos": [_plain(a) for a in older_open_algos + newest_algos],
        "trades": [_plain(t) for t in state.trades[-keep:]],
    }


def _account_from(saved: dict[str, Any]) -> AccountState:
    positions = [_row(PaperPosition, row) for row in saved["positions"]]
    return AccountState(
        name=saved["name"],
        wallet_balance=Decimal(saved["wallet_balance"]),
        dual_side=saved["dual_side"],
        leverage=dict(saved["leverage"]),
        margin_type=dict(saved["margin_type"]),
        positions={(p.symbol, p.position_side): p for p in positions},
        orders={row["order_id"]: _row(PaperOrder, row) for row in saved["orders"]},
        algos={row["algo_id"]: _row(AlgoOrder, row) for row in saved["algos"]},
        trades=[_row(PaperTrade, row) for row in saved["trades"]],
    )


def _plain(row: Row) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Decimal) else value for key, value in asdict(row).items()}


def _row(kind: type[Row], saved: dict[str, Any]) -> Row:
    money = {field.name for field in fields(kind) if "Decimal" in str(field.type)}
    values = {
        key: Decimal(value) if key in money and value is not None else value for key, value in saved.items()
    }
    make: Callable[..., Row] = kind
    return make(**values)
