"""What the exchange of an account shows, asked outside any transaction before an older bot's legs are taken over."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence

from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import ExchangeError
from exchanges.models import ExchangeAccount, Instrument
from exchanges.registry import is_on_paper
from exchanges.types import OrderReport, PositionMode, PositionReport, PositionSide
from exchanges.venues.names import is_by_hand
from ops.legacy.mapping.taking_over import Answer, HeldLeg
from positions.services import position_modes
from positions.services.instruments import refresh_instruments
from positions.services.outbox import PREFIX

logger = logging.getLogger(__name__)


def ask(account_id: int, name: str, contracts: Collection[str]) -> Answer:
    """Only an account that may trade is asked: on paper any, else one with keys that was confirmed for it."""
    asked_at = timezone.now()
    try:
        account = ExchangeAccount.objects.get(pk=account_id)
        held, orders = session.call(account, _what_is_there)
        names = _names(account, contracts)
        legs = {
            (names[one.symbol], one.position_side): one for one in held if names.get(one.symbol) in contracts
        }
        symbols = sorted({one.symbol for one in legs.values()})
        objections = {names[symbol]: objection for symbol in symbols if (objection := _mode(account, symbol))}
    except ExchangeError as error:
        return Answer(whose(name), asked_at, why_not=error.sentence)
    except Exception as error:
        logger.exception("account %s could not be asked for its positions", name)
        return Answer(whose(name), asked_at, why_not=type(error).__name__)
    return Answer(whose(name), asked_at, held=legs, objections=objections, exits=_exits(legs, orders))


def whose(name: str) -> str:
    return f"the {'paper ' if is_on_paper() else ''}exchange of account {name}"


async def _what_is_there(client: ExchangeClient) -> tuple[Sequence[PositionReport], Sequence[OrderReport]]:
    orders = await client.open_orders()  # first: what fills in between is gone from the position, too
    return await client.positions(), orders


def _names(account: ExchangeAccount, contracts: Collection[str]) -> dict[str, str]:
    """Our symbol -> the exchange's name, of the contracts it lists to us."""
    listed = Instrument.objects.filter(venue=account.venue, active=True).values_list(
        "symbol", "exchange_symbol"
    )
    if set(contracts) - {name for _, name in listed}:
        refresh_instruments()
    return dict(listed.all())


def _mode(account: ExchangeAccount, symbol: str) -> str:
    """A leg of another mode could be neither protected nor closed."""
    found = position_modes.learn(account, symbol)
    if found is PositionMode(account.position_mode):
        return ""
    return (
        f"{position_modes.difference(account, symbol, found)}; while positions are open there, set the account to "
        "that mode here"
    )


def _exits(
    legs: dict[HeldLeg, PositionReport], orders: Sequence[OrderReport]
) -> dict[HeldLeg, tuple[OrderReport, ...]]:
    """Orders of another bot that would close a leg."""
    found: dict[HeldLeg, list[OrderReport]] = defaultdict(list)
    for leg, report in legs.items():
        for order in orders:
            if order.symbol == report.symbol and _would_close(order, leg[1]):
                found[leg].append(order)
    return {leg: tuple(exits) for leg, exits in found.items()}


def _would_close(order: OrderReport, side: PositionSide) -> bool:
    if order.client_order_id.startswith(PREFIX) or is_by_hand(order.client_order_id):
        return False
    return order.closes and order.position_side in (side, None) and order.side is side.exit_side
