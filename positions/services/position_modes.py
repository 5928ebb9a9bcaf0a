"""The position mode an account is set to here, compared with the one it has at the exchange."""

from __future__ import annotations

import logging
import time

from django.db import transaction

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import ExchangeError, Refused
from exchanges.models import ExchangeAccount, Instrument, Venue
from exchanges.registry import is_on_paper
from exchanges.types import PositionMode
from positions.lifecycle import DONE
from positions.models import Order, Position
from positions.services import events
from positions.services.shared_questions import SharedQuestions

logger = logging.getLogger(__name__)

KNOWN_FOR = 300.0
DIFFERS, AGREES = "position_mode_differs", "position_mode_agrees"

# when this process last heard that the modes agree
_heard: dict[tuple[int, str], float] = {}
_questions = SharedQuestions()
TOLD = ["position_mode", "told_position_mode", "told_mode_symbol"]


class CannotSwitch(Exception):
    """The exchange has another position mode and keeps it; the text says why."""


def objection(account: ExchangeAccount) -> str | None:
    """Why nothing may be opened: what the exchange said last is not what the account is set to."""
    if account.told_position_mode in ("", account.position_mode):
        return None
    return difference(account, account.told_mode_symbol, account.told_position_mode)


def difference(account: ExchangeAccount, symbol: str, found: str) -> str:
    wanted, told = (mode.replace("_", "-") for mode in (account.position_mode, found))
    of = f" for {symbol}" if account.venue == Venue.BYBIT else ""
    return (
        f"the account {account.name} is set to {wanted} mode here and is in {told} mode{of} at the exchange: "
        f"set it there while nothing is open, by hand or with `manage.py account_mode {account.name} --set`"
    )


def is_known(account: ExchangeAccount, symbol: str) -> bool:
    """This process heard it not long ago, and nobody changed it since."""
    agrees = account.told_position_mode == account.position_mode
    return agrees and time.time() - _heard.get(_scope(account, symbol), 0.0) < KNOWN_FOR


def forget() -> None:
    _heard.clear()


def make_known(account: ExchangeAccount, symbol: str) -> None:
    """Entries that leave side by side wait for one answer. Raises what the question raised."""
    if not is_known(account, symbol):
        _questions.ask(_scope(account, symbol), lambda: _learn_unless_known(account, symbol))
        account.refresh_from_db(fields=TOLD)


def _learn_unless_known(account: ExchangeAccount, symbol: str) -> None:
    account.refresh_from_db(fields=TOLD)
    if not is_known(account, symbol):
        learn(account, symbol)


def learn(account: ExchangeAccount, symbol: str) -> PositionMode:
    """Ask the exchange and remember its answer. Returns the contract's mode; raises what the question raised."""
    asked = ExchangeAccount.objects.get(pk=account.pk)
    found = session.call(asked, lambda client: _told(client, asked, symbol))
    _note(asked.pk, symbol, found)
    account.refresh_from_db(fields=TOLD)
    if objection(account) is None:
        _heard[_scope(account, symbol)] = time.time()
    return found


async def _told(client: ExchangeClient, account: ExchangeAccount, symbol: str) -> PositionMode:
    found = await client.position_mode(symbol)
    wanted = PositionMode(account.position_mode)
    # a new account on paper begins in the venue's usual mode, as a real one does; nobody set it otherwise
    if found is wanted or account.told_position_mode or not is_on_paper():
        return found
    try:
        await client.set_position_mode(symbol, wanted)
    except Refused:
        return found
    return await client.position_mode(symbol)


@transaction.atomic
def _note(account_id: int, symbol: str, found: PositionMode) -> None:
    account = ExchangeAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account_id)
    before = objection(account)
    can_be_asked = _can_be_asked(account)
    if before and can_be_asked and account.venue == Venue.BYBIT and account.told_mode_symbol != symbol:
        return  # another contract says nothing of the one that differs
    if account.told_position_mode == found and (can_be_asked or not before):
        return
    account.told_position_mode, account.told_mode_symbol = found, symbol
    account.save(update_fields=["told_position_mode", "told_mode_symbol"])
    if differs := objection(account):
        events.record(DIFFERS, "critical", account_id=account_id, reason=differs)
    elif before:
        events.record(AGREES, "medium", account_id=account_id, mode=found)


def refused(account: ExchangeAccount, symbol: str) -> None:
    """The exchange refused an order for its leg: it has the other mode."""
    _heard.pop(_scope(account, symbol), None)
    other = {PositionMode.HEDGE: PositionMode.ONE_WAY, PositionMode.ONE_WAY: PositionMode.HEDGE}
    _note(account.pk, symbol, other[PositionMode(account.position_mode)])


def look(account: ExchangeAccount) -> None:
    """At a process's start, every five minutes, and at every comparison while the modes differ."""
    symbol = _symbol_to_ask(account)
    if symbol is None or is_known(account, symbol):
        return
    try:
        learn(account, symbol)
    except ExchangeError as error:
        logger.warning("position mode of account %s could not be read: %s", account.name, error)


def switch(account: ExchangeAccount, by: str) -> str:
    """Set the account's mode at the exchange. Returns what was done; raises CannotSwitch, or what a question raised."""
    symbol, wanted = _contract(account), PositionMode(account.position_mode)
    if session.call(account, lambda client: client.position_mode(symbol)) is not wanted:
        _refuse_while_open(account)
        session.call(account, lambda client: client.set_position_mode(symbol, wanted))
        events.record("position_mode_set", "medium", account_id=account.pk, mode=wanted, by=by)
    return compare(account)


def compare(account: ExchangeAccount) -> str:
    """Ask now. Returns that they agree; raises CannotSwitch with what differs, or what the question raised."""
    learn(account, _contract(account))
    if differs := objection(account):
        raise CannotSwitch(differs)
    return f"{account.name} is in {account.position_mode.replace('_', '-')} mode at the exchange."


def _contract(account: ExchangeAccount) -> str:
    symbol = _symbol_to_ask(account)
    if symbol is None:
        raise CannotSwitch(f"No contract of {account.venue} is known yet.")
    return symbol


def _refuse_while_open(account: ExchangeAccount) -> None:
    async def count(client: ExchangeClient) -> tuple[int, int]:
        return len(await client.positions()), len(await client.open_orders())

    theirs = session.call(account, count)
    positions = max(theirs[0], Position.objects.filter(account=account, is_live=True).count())
    orders = max(theirs[1], Order.objects.filter(account=account).exclude(status__in=DONE).count())
    if positions or orders:
        raise CannotSwitch(
            f"The mode of {account.name} stays while something is open: {positions} positions, {orders} orders."
        )


def _scope(account: ExchangeAccount, symbol: str) -> tuple[int, str]:
    """Bybit keeps a mode for each contract."""
    return account.pk, symbol if account.venue == Venue.BYBIT else ""


def _symbol_to_ask(account: ExchangeAccount) -> str | None:
    """The one that differs, one that is held, or any."""
    if objection(account) and _can_be_asked(account):
        return account.told_mode_symbol
    held = Position.objects.filter(account=account, is_live=True).values_list("instrument__symbol", flat=True)
    listed = Instrument.objects.filter(venue=account.venue, active=True).values_list("symbol", flat=True)
    return held.order_by("pk").first() or listed.order_by("pk").first()


def _can_be_asked(account: ExchangeAccount) -> bool:
    """The contract that differs; of one that is traded no longer nothing can be said, nor set."""
    return Instrument.objects.filter(
        venue=account.venue, symbol=account.told_mode_symbol, active=True
    ).exists()
