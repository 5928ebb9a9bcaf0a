"""What each strategy does about a signal that concerns it: open, close, or say why not."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from exchanges.marks import fresh_mark
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.services.closing import REQUESTABLE, request_close
from positions.services.opening import Opened, Proposal, open_position
from signals_app.models import EntryStatus, Strategy
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.routing import Ignored, OppositeSignal, Route, Routed, Unrouted
from signals_app.services.arrivals import EntryVerdict

logger = logging.getLogger(__name__)

Marks = Mapping[int, Decimal | None]


def marks_for(signal: Signal, routed: Routed) -> Marks:
    """Account -> price. It may ask the network, so it comes before the transaction."""
    if isinstance(routed, Ignored):
        return {}
    accounts = {one.account_id for one in routed if isinstance(one, Route) and one.direction.is_entry}
    return {account_id: _mark(account_id, signal.symbol) for account_id in accounts}


def _mark(account_id: int, symbol: str) -> Decimal | None:
    """Without a price nothing is opened, but the signal is kept and closes what it closes."""
    try:
        return fresh_mark(account_id, symbol)
    except Exception:
        logger.exception("no mark price of %s for account %s", symbol, account_id)
        return None


def still_there(routed: Sequence[Route | Unrouted]) -> list[Route | Unrouted]:
    """Locks the accounts in one order before any position, so that two signals never wait for each other.

    A strategy that was deleted since the tables were read is left out. The lock is one that foreign keys to the
    account do not wait for: a fill report holds its position when it asks for that.
    """
    wanted = Strategy.objects.filter(pk__in=[one.strategy_id for one in routed])
    locked = wanted.select_related("account").select_for_update(of=("account",), no_key=True)
    known = {strategy.pk for strategy in locked.order_by("account_id", "pk")}
    return [one for one in routed if one.strategy_id in known]


def follow(signal: Signal, routed: Route | Unrouted, marks: Marks) -> EntryVerdict:
    """A strategy that fails must not undo what the others did: each close and each opening is a savepoint."""
    if isinstance(routed, Unrouted):
        return _skipped(routed.strategy_id, routed.reason, routed.code)
    try:
        if routed.direction.is_entry:
            return _enter(signal, routed, marks.get(routed.account_id))
        return _leave(signal, routed)
    except Exception as error:
        logger.exception("strategy %s failed on signal %s", routed.strategy_id, signal.uid)
        note, code = type(error).__name__, ReasonCode.INTERNAL_ERROR
        return EntryVerdict(routed.strategy_id, EntryStatus.FAILED, note, reason_code=code)


def _skipped(strategy_id: int, note: str, code: ReasonCode) -> EntryVerdict:
    return EntryVerdict(strategy_id, EntryStatus.SKIPPED, note, reason_code=code)


def _enter(signal: Signal, routed: Route, mark_price: Decimal | None) -> EntryVerdict:
    """The other side is left first; that needs no price and stands even where nothing is opened after it."""
    closed: list[int] = []
    if routed.opposite is not OppositeSignal.HEDGE:
        closed = _live(signal, routed, routed.direction.position_side.opposite, only_own=True)
        if closed and routed.opposite is OppositeSignal.IGNORE:
            return _skipped(routed.strategy_id, "an opposite position is open", ReasonCode.OPPOSITE_OPEN)
        _request_closes(closed, signal)
    outcome = _opened(signal, routed, mark_price)
    if isinstance(outcome, int):
        return EntryVerdict(routed.strategy_id, EntryStatus.OPENED, position_id=outcome)
    if closed:
        note = f"the opposite position is being closed; nothing opened: {outcome}"
        return EntryVerdict(routed.strategy_id, EntryStatus.CLOSED, note, closed[0])
    code = ReasonCode.NO_PRICE if mark_price is None else ReasonCode.NOT_OPENED
    return _skipped(routed.strategy_id, outcome, code)


def _opened(signal: Signal, routed: Route, mark_price: Decimal | None) -> int | str:
    """The new position's id, or why there is none."""
    if mark_price is None:
        return "no fresh price"
    side = routed.direction.position_side
    proposal = Proposal(routed.strategy_id, signal.symbol, side, mark_price, signal.signal_id)
    with transaction.atomic():  # a savepoint: open_position takes none of its own
        outcome = open_position(proposal)
    return outcome.position_id if isinstance(outcome, Opened) else outcome.reason


def _leave(signal: Signal, routed: Route) -> EntryVerdict:
    """A closing phrase ends the leg on its account, whichever strategy opened it."""
    positions = _live(signal, routed, routed.direction.position_side, only_own=False)
    if not positions:
        return _skipped(routed.strategy_id, "nothing to close", ReasonCode.NOTHING_TO_CLOSE)
    _request_closes(positions, signal)
    return EntryVerdict(routed.strategy_id, EntryStatus.CLOSED, position_id=positions[0])


def _live(signal: Signal, routed: Route, side: str, *, only_own: bool) -> list[int]:
    held = Position.objects.filter(
        account_id=routed.account_id,
        instrument__exchange_symbol=signal.symbol,
        position_side=side,
        status__in=REQUESTABLE,
    )
    if only_own:
        held = held.filter(strategy_id=routed.strategy_id)
    return list(held.order_by("pk").values_list("pk", flat=True))


def _request_closes(position_ids: list[int], signal: Signal) -> None:
    for position_id in position_ids:
        request_close(position_id, reason=CloseReason.SIGNAL, requested_by=f"signal {signal.uid[:12]}")
