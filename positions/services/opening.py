"""Position, entry order and trailing row in one transaction, under the account's lock."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from exchanges.models import ExchangeAccount
from exchanges.types import PositionSide
from positions import broadcast
from positions.lifecycle import OrderPurpose
from positions.models import Position
from positions.services import limiting
from positions.services.outbox import add_order
from positions.services.plans import kept
from positions.services.proposals import Proposal, Ready, Refusal, considered
from positions.signal_ids import signal_id_text
from positions.sizing import Skip
from signals_app.models import StrategyAccount
from trailing.models import TrailingStop

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    position_id: int


class PositionRefused(Exception):
    """The position was not created; the text says why."""


@transaction.atomic(savepoint=False)
def open_position(proposal: Proposal) -> Opened | Skip:
    account = ExchangeAccount.objects.select_for_update(no_key=True).get(pk=proposal.account_id)
    found = considered(proposal, account, limiting.judged)
    if isinstance(found, Refusal):
        return _told(found, proposal)
    return Opened(_insert(proposal, found).pk)


def would_open(proposal: Proposal) -> Ready | Refusal:
    """The same questions; nothing is locked and nothing is written. What others open meanwhile is not counted."""
    account = ExchangeAccount.objects.get(pk=proposal.account_id)
    return considered(proposal, account, limiting.looked_at)


def _told(no: Refusal, proposal: Proposal) -> Skip:
    if no.wish is not None and no.verdict is not None:
        return limiting.denied(proposal.account_id, no.strategy, no.wish, no.verdict)
    if no.noteworthy:
        limiting.refused(
            proposal.account_id,
            strategy=no.strategy,
            symbol=proposal.exchange_symbol,
            reason=no.skip.reason,
            code=no.skip.code,
        )
    return no.skip


def _insert(proposal: Proposal, ready: Ready) -> Position:
    position = Position.objects.create(
        account_id=proposal.account_id,
        stands_in_for_id=proposal.stands_in_for,
        instrument=ready.instrument,
        strategy=ready.strategy,
        plan=kept(ready.plan),
        signal_id=signal_id_text(proposal.signal_id),
        position_side=proposal.position_side,
        position_idx=ready.position_idx,
        planned_quantity=ready.sized.quantity,
        planned_notional=ready.sized.notional,
        planned_risk=ready.at_risk,
        reference_price=proposal.mark_price,
        leverage=ready.strategy.leverage,
    )
    TrailingStop.objects.create(position=position)
    add_order(position, OrderPurpose.ENTRY, ready.sized.quantity, proposal.entry, is_first=True)
    broadcast.position_changed(position.pk)
    return position


ACTIONS = {
    "open_long": PositionSide.LONG, "buy": PositionSide.LONG, "long": PositionSide.LONG,
    "open_short": PositionSide.SHORT, "sell": PositionSide.SHORT, "short": PositionSide.SHORT,
}  # fmt: skip


def create_position(data: Mapping[str, Any]) -> int:
    """Open from a plain dict: symbol, action, entry_price, strategy (name), id or signal_id (str, int or None), and
    account (name), which may be left out where the strategy has but one.

    Returns the position's id. Raises PositionRefused with the reason, ValueError for data that makes no sense.
    """
    side = ACTIONS.get(str(data.get("action") or data.get("side")).lower())
    if side is None:
        raise ValueError(f"action must be one of {', '.join(ACTIONS)}")
    strategy_id, account_id = _place(data)
    proposal = Proposal(
        strategy_id=strategy_id,
        account_id=account_id,
        exchange_symbol=re.sub(r":.*$|[^A-Z0-9]", "", str(data["symbol"]).upper()),
        position_side=side,
        mark_price=Decimal(str(data["entry_price"])),
        signal_id=data.get("signal_id", data.get("id")),
    )
    if signal_id_text(proposal.signal_id) is None:
        logger.warning("the signal for %s carries no id; stored as NULL", proposal.exchange_symbol)
    outcome = open_position(proposal)
    if isinstance(outcome, Skip):
        raise PositionRefused(outcome.reason)
    return outcome.position_id


def _place(data: Mapping[str, Any]) -> tuple[int, int]:
    places = StrategyAccount.objects.filter(strategy__name=data["strategy"])
    if "account" in data:
        places = places.filter(account__name=data["account"])
    found = list(places.values_list("strategy_id", "account_id")[:2])
    if len(found) != 1:
        many = "several accounts: say on which" if found else "no such account"
        raise ValueError(f"strategy {data['strategy']} trades on {many}")
    return found[0]
