"""What each strategy does about a signal that concerns it: open, close, or say why not."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from exchanges.types import PositionSide
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.services import levels
from positions.services.closing import lock_position, request_close
from positions.services.opening import Proposal, open_position
from positions.sizing import Skip
from signals_app.decisions import Action, Held, decide
from signals_app.market_filters import objection
from signals_app.models import EntryStatus, Strategy
from signals_app.outlook import Outlook, live_legs
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.routing import Route, Unrouted, off
from signals_app.services.arrivals import EntryVerdict
from trailing.rows import kind_of
from trailing.services import stop_to_entry
from trailing.signal_wishes import SignalWishes

logger = logging.getLogger(__name__)


def lock(routed: Iterable[Route]) -> dict[int, Strategy]:
    """Strategies and their accounts, in one order before any position: two signals never wait for each other. The lock
    is one that foreign keys to the account do not wait for: a fill report holds its position when it asks for that."""
    asked = {one.strategy_id for one in routed}
    if not asked:
        return {}
    wanted = Strategy.objects.filter(pk__in=asked)
    locked = wanted.select_related("account").select_for_update(of=("self", "account"), no_key=True)
    return {strategy.pk: strategy for strategy in locked.order_by("account_id", "pk")}


def there(routed: Iterable[Unrouted]) -> set[int]:
    """Strategies that have not been deleted since the tables were read; nothing is locked."""
    asked = {one.strategy_id for one in routed}
    return set(Strategy.objects.filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()


def still_there(concerned: Iterable[Sequence[Route | Unrouted]]) -> list[list[Route | Unrouted]]:
    """Of each signal. What a strategy's owner switched off before this lock counts; what he switches off now waits for
    these signals. A strategy that was deleted since the tables were read is left out."""
    each = list(concerned)
    locked = lock(one for routed in each for one in routed if isinstance(one, Route))
    known = there(one for routed in each for one in routed if isinstance(one, Unrouted))
    return [
        [
            _judged_again(one, locked[one.strategy_id]) if isinstance(one, Route) else one
            for one in routed
            if one.strategy_id in (locked if isinstance(one, Route) else known)
        ]
        for routed in each
    ]


def _judged_again(routed: Route, strategy: Strategy) -> Route | Unrouted:
    if strategy.account_id != routed.account_id:
        return Unrouted(strategy.pk, "it was just moved to another account", ReasonCode.ACCOUNT_CHANGED)
    return off(strategy.pk, strategy, routed.direction) or routed


def follow(signal: Signal, routed: Route | Unrouted, outlook: Outlook, late: str = "") -> EntryVerdict:
    """A strategy that fails must not undo what the others did: each close and each opening is a savepoint. A database
    that is away, or broke a deadlock, is no failure of the strategy: the signal as a whole has to come again. late:
    why nothing is opened any more."""
    if isinstance(routed, Unrouted):
        return _skipped(routed.strategy_id, routed.reason, routed.code)
    try:
        if routed.direction.is_entry:
            return _enter(signal, routed, outlook, late)
        return _leave(signal, routed)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        return _failed(signal, routed, error)


def _failed(signal: Signal, routed: Route, error: Exception) -> EntryVerdict:
    logger.error("strategy %s failed on signal %s", routed.strategy_id, signal.uid, exc_info=error)
    note, code = type(error).__name__, ReasonCode.INTERNAL_ERROR
    return EntryVerdict(routed.strategy_id, EntryStatus.FAILED, note, reason_code=code)


def _skipped(strategy_id: int, note: str, code: ReasonCode) -> EntryVerdict:
    return EntryVerdict(strategy_id, EntryStatus.SKIPPED, note, reason_code=code)


def _enter(signal: Signal, routed: Route, outlook: Outlook, late: str) -> EntryVerdict:
    side = routed.direction.position_side
    own = {one.position_side: one for one in _live(signal, routed).filter(strategy_id=routed.strategy_id)}
    against = own.get(side.opposite)
    held = None if against is None else _held(against, outlook)
    decision = decide(routed.opposite, holds_same=side in own, opposite=held)
    match decision.action:
        case Action.PROTECT if against is not None:
            return _protect(routed, against.pk, outlook)
        case Action.CLOSE if against is not None:
            return _close([against.pk], signal, routed)
        case Action.CLOSE_AND_OPEN if against is not None:
            return _reverse(against.pk, signal, routed, outlook, late)
        case Action.OPEN:
            return _open(signal, routed, outlook, late)
    return _skipped(routed.strategy_id, decision.reason, decision.code or ReasonCode.UNCLASSIFIED)


def _held(position: Position, outlook: Outlook) -> Held:
    price = outlook.price(position.account_id, kind_of(position))
    side = PositionSide(position.position_side)
    return Held(side, position.average_entry_price, price, levels.awaited(position))


@transaction.atomic
def _protect(routed: Route, position_id: int, outlook: Outlook) -> EntryVerdict:
    position = lock_position(position_id)
    refusal = stop_to_entry(position, outlook.price(position.account_id, kind_of(position)))
    if refusal:
        return _skipped(routed.strategy_id, refusal, ReasonCode.STOP_NOT_MOVED)
    return EntryVerdict(routed.strategy_id, EntryStatus.PROTECTED, "the stop goes to the entry", position_id)


def _reverse(against: int, signal: Signal, routed: Route, outlook: Outlook, late: str) -> EntryVerdict:
    """The other side is left first; that needs no price and stands even where nothing is opened after it."""
    closed = _close([against], signal, routed)
    try:
        opened = _open(signal, routed, outlook, late)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        opened = _failed(signal, routed, error)
    if opened.status is EntryStatus.OPENED:
        return opened
    note = f"the opposite position is being closed; nothing opened: {opened.note}"
    return replace(closed, note=note, reason_code=opened.reason_code)


def _open(signal: Signal, routed: Route, outlook: Outlook, late: str) -> EntryVerdict:
    if late:
        return _skipped(routed.strategy_id, late, ReasonCode.STALE)
    mark_price = outlook.price(routed.account_id)
    if mark_price is None:
        return _skipped(routed.strategy_id, "no fresh price", ReasonCode.NO_PRICE)
    side = routed.direction.position_side
    if unfit := objection(routed.filters, outlook.market(routed.account_id), side):
        return _skipped(routed.strategy_id, unfit, ReasonCode.MARKET)
    proposal = Proposal(
        routed.strategy_id, signal.symbol, side, mark_price, signal.signal_id, wishes=_wishes(signal)
    )
    with transaction.atomic():  # a savepoint: open_position takes none of its own
        outcome = open_position(proposal)
    if isinstance(outcome, Skip):
        return _skipped(routed.strategy_id, outcome.reason, outcome.code)
    return EntryVerdict(routed.strategy_id, EntryStatus.OPENED, position_id=outcome.position_id)


def _wishes(signal: Signal) -> SignalWishes:
    said = signal.details
    return SignalWishes(
        said.stop_loss_percent, said.trailing_activation_percent, said.trailing_distance_percent
    )


def _leave(signal: Signal, routed: Route) -> EntryVerdict:
    """A closing phrase ends the leg on its account, whichever strategy opened it."""
    held = _live(signal, routed).filter(position_side=routed.direction.position_side)
    positions = list(held.values_list("pk", flat=True))
    if not positions:
        return _skipped(routed.strategy_id, "nothing to close", ReasonCode.NOTHING_TO_CLOSE)
    return _close(positions, signal, routed)


def _live(signal: Signal, routed: Route) -> QuerySet[Position]:
    return live_legs(routed.account_id, signal.symbol).order_by("pk")


def _close(position_ids: list[int], signal: Signal, routed: Route) -> EntryVerdict:
    for position_id in position_ids:
        request_close(position_id, reason=CloseReason.SIGNAL, requested_by=f"signal {signal.uid[:12]}")
    return EntryVerdict(routed.strategy_id, EntryStatus.CLOSED, position_id=position_ids[0])
