"""What must be so at the exchange before an order leaves: position mode, margin mode, leverage. Nothing is sent when
it cannot be made so, or not be known."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import ExchangeError, NotReached, NotSent, OutcomeUnknown, PositionModeDiffers
from exchanges.models import ExchangeAccount, Venue
from exchanges.types import MarginMode, PositionMode
from positions.lifecycle import OrderPurpose
from positions.models import Order
from positions.services import position_modes
from positions.services.shared_questions import SharedQuestions

MARGIN_KNOWN_FOR = 300.0
# other processes and people change it too
LEVERAGE_KNOWN_FOR = 5.0

Name = tuple[str, int, str]
Ensure = Callable[[ExchangeClient], Coroutine[Any, Any, None]]
_set: dict[Name, tuple[object, float]] = {}
_questions = SharedQuestions()


@dataclass(frozen=True, slots=True)
class Setting:
    of: Name
    wanted: MarginMode | int
    known_for: float

    def is_known(self) -> bool:
        value, since = _set.get(self.of, (None, 0.0))
        return value == self.wanted and time.time() - since < self.known_for


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
        position_modes.make_known(order.account, symbol)
        _refuse_another_mode(order)
        _set_up(order, symbol)
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


def _set_up(order: Order, symbol: str) -> None:
    account, leverage = order.account, order.position.leverage
    margin_mode = MarginMode(account.margin_mode)
    contract = (
        "" if account.venue == Venue.BYBIT else symbol
    )  # Bybit keeps one margin mode for the whole account
    _make_so(
        account,
        Setting(("margin", account.pk, contract), margin_mode, MARGIN_KNOWN_FOR),
        lambda client: client.ensure_margin_mode(symbol, margin_mode),
    )
    _make_so(
        account,
        Setting(("leverage", account.pk, symbol), leverage, LEVERAGE_KNOWN_FOR),
        lambda client: client.ensure_leverage(symbol, leverage),
    )


def _make_so(account: ExchangeAccount, setting: Setting, ensure: Ensure) -> None:
    """Entries that leave side by side wait for one question."""

    async def ensured(client: ExchangeClient) -> None:
        _set.pop(setting.of, None)  # a failure may have set it all the same
        await ensure(client)
        _set[setting.of] = (setting.wanted, time.time())

    def unless_known() -> None:
        if not setting.is_known():
            session.call(account, ensured)

    _questions.ask((setting.of, setting.wanted), unless_known)
