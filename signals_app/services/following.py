"""What each strategy does about a signal that concerns it: open, close, or say why not."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import PositionSide
from ops.log_context import bound
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.services import levels
from positions.services.closing import lock_position, request_close
from positions.services.gate import no_entries
from positions.services.limiting import refused
from positions.services.opening import open_position
from positions.services.proposals import Proposal
from positions.sizing import Skip
from signals_app.decisions import Action, Held, decide
from signals_app.market_filters import objection
from signals_app.models import EntryStatus, Strategy, StrategyAccount
from signals_app.outlook import Outlook, live_legs
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.routing import Place, Route, Unrouted, off
from signals_app.services.arrivals import EntryVerdict, Waited
from signals_app.signal_limits import Asked, objection_to_signal
from trailing.rows import kind_of
from trailing.services import stop_to_entry
from trailing.signal_wishes import SignalWishes

logger = logging.getLogger(__name__)

NO_PRICE = Skip("no fresh price", ReasonCode.NO_PRICE)


def lock(routed: Iterable[Route]) -> dict[Place, StrategyAccount]:
    """All accounts first, by id, then the strategies, before any position: two signals never wait for each other. The
    lock is one that foreign keys to the account do not wait for: a fill report holds its position when it asks for
    that."""
    asked = list(routed)
    if not asked:
        return {}
    strategies = {one.strategy_id for one in asked}
    accounts = {account for one in asked for account in one.account_ids}
    in_order = ExchangeAccount.objects.filter(pk__in=accounts).order_by("pk").select_for_update(no_key=True)
    list(in_order.values_list("pk"))
    wanted = StrategyAccount.objects.filter(strategy__in=strategies, account__in=accounts)
    locked = wanted.select_related("strategy").select_for_update(of=("strategy", "self"), no_key=True)
    return {(one.strategy_id, one.account_id): one for one in locked.order_by("strategy_id", "account_id")}


def there(routed: Iterable[Route | Unrouted]) -> set[Place]:
    """Of these, whose strategy and account have not been deleted since the tables were read; nothing is locked."""
    asked = {one.place for one in routed}
    if not asked:
        return set()
    strategies, accounts = {strategy for strategy, _ in asked}, {account for _, account in asked if account}
    known = set(Strategy.objects.filter(pk__in=strategies).values_list("pk", flat=True))
    held = {None, *ExchangeAccount.objects.filter(pk__in=accounts).values_list("pk", flat=True)}
    return {place for place in asked if place[0] in known and place[1] in held}


def still_there(concerned: Iterable[Sequence[Route | Unrouted]]) -> list[list[Route | Unrouted]]:
    """Of each signal. What a strategy's owner switched off before this lock counts; what he switches off now waits for
    these signals. A strategy or account that was deleted since the tables were read is left out."""
    each = list(concerned)
    locked = lock(one for routed in each for one in routed if isinstance(one, Route))
    known = there(one for routed in each for one in routed if one.place not in locked)
    return [
        [
            _judged_again(one, locked.get(one.place)) if isinstance(one, Route) else one
            for one in routed
            if one.place in locked or one.place in known
        ]
        for routed in each
    ]


def _judged_again(routed: Route, now: StrategyAccount | None) -> Route | Unrouted:
    if now is None:
        text = "the strategy was just taken from this account"
        return Unrouted(*routed.place, text, ReasonCode.ACCOUNT_CHANGED)
    return off(routed.place, now.strategy, now.enabled, routed.direction) or routed


def follow(signal: Signal, routed: Route | Unrouted, outlook: Outlook, waited: Waited) -> EntryVerdict:
    """A strategy that fails on an account must not undo what was done elsewhere: each close and each opening is a
    savepoint. A database that is away, or broke a deadlock, is no failure of the strategy: the signal as a whole has to
    come again."""
    if isinstance(routed, Unrouted):
        return _skipped(routed, routed.reason, routed.code)
    with bound(signal_uid=signal.uid[:16]):  # in full it would be hidden as if it were a key
        try:
            if routed.direction.is_entry:
                return _enter(signal, routed, outlook, waited)
            return _leave(signal, routed)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            return _failed(signal, routed, error)


def _failed(signal: Signal, routed: Route, error: Exception) -> EntryVerdict:
    logger.error("strategy %s on account %s failed", *routed.place, exc_info=error)
    note, code = type(error).__name__, ReasonCode.INTERNAL_ERROR
    return EntryVerdict(*routed.place, EntryStatus.FAILED, note, reason_code=code)


def _skipped(routed: Route | Unrouted, note: str, code: ReasonCode) -> EntryVerdict:
    return EntryVerdict(*routed.place, EntryStatus.SKIPPED, note, reason_code=code)


def _enter(signal: Signal, routed: Route, outlook: Outlook, waited: Waited) -> EntryVerdict:
    side = routed.direction.position_side
    own = own_legs(signal, routed)
    against = leg_against(own, side)
    held = None if against is None else held_now(against, outlook)
    decision = decide(routed.opposite, holds_same=side in own, opposite=held)
    match decision.action:
        case Action.PROTECT if against is not None:
            return _protect(routed, against.pk, outlook)
        case Action.CLOSE if against is not None:
            return _close([against.pk], signal, routed)
        case Action.CLOSE_AND_OPEN if against is not None:
            return _reverse(against.pk, signal, routed, outlook, waited)
        case Action.OPEN:
            return _open(signal, routed, outlook, waited)
    return _skipped(routed, decision.reason, decision.code or ReasonCode.UNCLASSIFIED)


def own_legs(signal: Signal, routed: Route) -> dict[str, Position]:
    """What the strategy itself holds there, by side. What was handed over to a person takes its side as well; one that
    is looked after here comes before it."""
    mine = live_legs(routed, signal.symbol).filter(strategy_id=routed.strategy_id)
    in_turn = sorted(mine, key=lambda one: (one.handed_over_at is None, one.pk))
    return {one.position_side: one for one in in_turn}


def leg_against(own: dict[str, Position], side: PositionSide) -> Position | None:
    """What may be left or protected for a signal to this side: nothing that is a person's."""
    leg = own.get(side.opposite)
    return leg if leg is not None and leg.handed_over_at is None else None


def held_now(position: Position, outlook: Outlook) -> Held:
    price = outlook.price(position.account_id, kind_of(position))
    side = PositionSide(position.position_side)
    return Held(side, position.average_entry_price, price, levels.awaited(position))


@transaction.atomic
def _protect(routed: Route, position_id: int, outlook: Outlook) -> EntryVerdict:
    position = lock_position(position_id)
    refusal = stop_to_entry(position, outlook.price(position.account_id, kind_of(position)))
    if refusal:
        return _skipped(routed, refusal, ReasonCode.STOP_NOT_MOVED)
    return EntryVerdict(*routed.place, EntryStatus.PROTECTED, "the stop goes to the entry", position_id)


def _reverse(against: int, signal: Signal, routed: Route, outlook: Outlook, waited: Waited) -> EntryVerdict:
    """The other side is left first; that needs no price and stands even where nothing is opened after it."""
    closed = _close([against], signal, routed)
    if closed.status is EntryStatus.FAILED:
        return closed
    try:
        opened = _open(signal, routed, outlook, waited)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        opened = _failed(signal, routed, error)
    if opened.status is EntryStatus.OPENED:
        return opened
    note = f"the opposite position is being closed; nothing opened: {opened.note}"
    return replace(closed, note=note, reason_code=opened.reason_code)


def _open(signal: Signal, routed: Route, outlook: Outlook, waited: Waited) -> EntryVerdict:
    if waited.late:
        return _skipped(routed, waited.late, ReasonCode.STALE)
    account_id, instead = _where(routed)
    mark_price = outlook.price(account_id)
    if mark_price is None:
        why = no_entries(account_id) or _not_listed(account_id, signal.symbol) or NO_PRICE
        return _skipped(routed, why.reason + instead, why.code)
    side, market = routed.direction.position_side, outlook.market(account_id)
    asked = Asked(side, signal.details, waited.age, mark_price, market)
    if unfit := objection(routed.filters, market, side) or objection_to_signal(routed.limits, asked):
        refused(account_id, strategy_id=routed.strategy_id, symbol=signal.symbol,
                reason=unfit.reason, code=unfit.code)  # fmt: skip
        return _skipped(routed, unfit.reason + instead, unfit.code)
    proposal = Proposal(
        routed.strategy_id,
        account_id,
        signal.symbol,
        side,
        mark_price,
        signal.signal_id,
        wishes=_wishes(signal),
        stands_in_for=None if account_id == routed.account_id else routed.account_id,
    )
    with transaction.atomic():  # a savepoint: open_position takes none of its own
        outcome = open_position(proposal)
    if isinstance(outcome, Skip):
        return _skipped(routed, outcome.reason + instead, outcome.code)
    note = instead.removeprefix("; ")
    return EntryVerdict(*routed.place, EntryStatus.OPENED, note, position_id=outcome.position_id)


def _not_listed(account_id: int, symbol: str) -> Skip | None:
    venue = ExchangeAccount.objects.values_list("venue", flat=True).get(pk=account_id)
    listed = Instrument.objects.filter(venue=venue, exchange_symbol=symbol, active=True)
    return None if listed.exists() else Skip(f"{symbol} is not traded on {venue}", ReasonCode.NOT_LISTED)


def _where(routed: Route) -> tuple[int, str]:
    """The account that opens, and what is to be said about one that stands in, or does not: where the strategy trades
    there anyway, that account's own route follows the signal."""
    away = no_entries(routed.account_id) if routed.failover_id is not None else None
    if away is None or routed.failover_id is None or away.code is not ReasonCode.UNREACHABLE:
        return routed.account_id, ""
    name = ExchangeAccount.objects.values_list("name", flat=True).get(pk=routed.failover_id)
    if StrategyAccount.objects.filter(strategy=routed.strategy_id, account=routed.failover_id).exists():
        return routed.account_id, f"; {name} does not stand in: the strategy trades there itself"
    return routed.failover_id, f"; {name} stands in: {away.reason}"


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
        return _skipped(routed, "nothing to close", ReasonCode.NOTHING_TO_CLOSE)
    return _close(positions, signal, routed)


def _live(signal: Signal, routed: Route) -> QuerySet[Position]:
    """What was handed over to a person is no signal's any more."""
    return live_legs(routed, signal.symbol).filter(handed_over_at=None).order_by("pk")


def _close(position_ids: list[int], signal: Signal, routed: Route) -> EntryVerdict:
    """Each in the savepoint of its request: one that fails leaves the others asked for."""
    failures: dict[int, Exception] = {}
    for position_id in position_ids:
        try:
            request_close(position_id, reason=CloseReason.SIGNAL, requested_by=f"signal {signal.uid[:12]}")
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            failures[position_id] = error
    if not failures:
        return EntryVerdict(*routed.place, EntryStatus.CLOSED, position_id=position_ids[0])
    left_open, why = next(iter(failures.items()))
    failed, count = _failed(signal, routed, why), f"{len(failures)} of {len(position_ids)}"
    return replace(failed, note=f"{count} could not be closed: {failed.note}", position_id=left_open)
