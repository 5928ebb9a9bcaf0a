"""What must be so at the exchange before an order leaves: position mode, margin mode, leverage. Nothing is sent when
it cannot be made so, or not be known."""

from __future__ import annotations

import time

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import ExchangeError, NotReached, NotSent, OutcomeUnknown, PositionModeDiffers
from exchanges.types import MarginMode, PositionMode
from positions.lifecycle import OrderPurpose
from positions.models import Order
from positions.services import position_modes

MARGIN_KNOWN_FOR = 300.0
# other processes and people change it too
LEVERAGE_KNOWN_FOR = 5.0

_set: dict[tuple[object, ...], tuple[object, float]] = {}


def prepare(order: Order) -> None:
    if order.purpose == OrderPurpose.ENTRY:
        _prepare_entry(order)
    elif position_modes.objection(order.account):
        _ask_once_more(order)


def forget() -> None:
    """As a new process begins."""
    _set.clear()
    position_modes.forget()


def _prepare_entry(order: Order) -> None:
    symbol = order.position.instrument.symbol
    try:
        if not position_modes.is_known(order.account, symbol):
            position_modes.learn(order.account, symbol)
        _refuse_another_mode(order)
        session.call(order.account, lambda client: _set_up(client, order, symbol))
    except OutcomeUnknown as error:
        raise (NotSent if error.code else NotReached)(
            f"position mode, margin mode or leverage could not be set: {error}",
            code=error.code,
            retry_after=2,
        ) from error


def _ask_once_more(order: Order) -> None:
    """An exit is held back only by an answer of now about its own contract; where there is none the exchange itself
    decides."""
    symbol = order.position.instrument.symbol
    try:
        found = position_modes.learn(order.account, symbol)
    except ExchangeError:
        return
    if found is not PositionMode.of_index(order.position.position_idx):
        raise PositionModeDiffers(position_modes.difference(order.account, symbol, found))


def _refuse_another_mode(order: Order) -> None:
    if differs := position_modes.objection(order.account):
        raise PositionModeDiffers(differs)


async def _set_up(client: ExchangeClient, order: Order, symbol: str) -> None:
    account, leverage = order.account, order.position.leverage
    margin_mode = MarginMode(account.margin_mode)
    margin, lever = ("margin", account.pk, symbol), ("leverage", account.pk, symbol)
    if not _is_known(margin, margin_mode, MARGIN_KNOWN_FOR):
        _set.pop(margin, None)  # a failure may have set it all the same
        await client.ensure_margin_mode(symbol, margin_mode)
        _know(margin, margin_mode)
    if not _is_known(lever, leverage, LEVERAGE_KNOWN_FOR):
        _set.pop(lever, None)
        await client.ensure_leverage(symbol, leverage)
        _know(lever, leverage)


def _is_known(of: tuple[object, ...], wanted: object, seconds: float) -> bool:
    value, since = _set.get(of, (None, 0.0))
    return value == wanted and time.time() - since < seconds


def _know(of: tuple[object, ...], value: object) -> None:
    _set[of] = (value, time.time())
