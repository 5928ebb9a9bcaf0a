"""The kill switch: who may open, and who may not any more. Exits go on in every state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from exchanges.errors import AccountUnusable, Banned, ExchangeError
from exchanges.models import ExchangeAccount, GlobalState, StateChange, TradingState
from exchanges.switch import EVERYWHERE, switch_of
from exchanges.switch_models import Switched
from exchanges.trading_state import Cause, Move, move
from positions import broadcast
from positions.lifecycle import OrderPurpose, OrderStatus
from positions.models import Order, RiskEvent
from positions.services import consequences, events
from positions.services.closing import RESTING, call_off, lock_position
from positions.services.flat_runs import give_up, is_being_closed
from positions.services.lock_holders import lock_soon
from positions.services.sweeping import for_each

SWITCH_FIELDS = tuple(field.name for field in Switched._meta.local_fields)
OVERTAKEN = "it was decided before the account's state was changed"
FLAT_GOES_ON = "everything on it is being closed, and only a resume ends that"
ENTRIES_PAUSE = timedelta(minutes=1)
RISK_LEVELS = {
    TradingState.HALTED: "critical",
    TradingState.REDUCING: "high",
    TradingState.ACTIVE: "medium",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`in_flight` are entries that were claimed before and whose outcome nobody knows yet."""

    name: str
    state: TradingState
    move: Move
    reason: str
    called_off: int = 0
    in_flight: tuple[UUID, ...] = ()


def hear(account_id: int, error: ExchangeError) -> None:
    """What the exchange's answer to any question may tell of the account itself. Our own refusal to ask has no
    number and only concerns what was asked."""
    if isinstance(error, AccountUnusable) and error.code:
        halt(account_id, error.sentence)
    elif isinstance(error, Banned):
        _tell_of_ban(account_id, error)


def _tell_of_ban(account_id: int, ban: Banned) -> None:
    """Once for each ban, although every caller meets it."""
    since = timezone.now() - timedelta(seconds=ban.retry_after)
    if not RiskEvent.objects.filter(
        account_id=account_id, event_type="banned", created_at__gte=since
    ).exists():
        events.record("banned", "critical", account_id=account_id, reason=ban, seconds=round(ban.retry_after))


@transaction.atomic
def pause_entries(account_id: int, reason: str) -> None:
    """Money is short now: the next signals would only be refused one by one."""
    until = timezone.now() + ENTRIES_PAUSE
    ExchangeAccount.objects.filter(pk=account_id).update(
        entries_paused_until=until, entries_paused_reason=reason
    )
    events.record("entries_paused", "high", account_id=account_id, reason=reason, until=until.isoformat())


def halt(account_id: int | None, reason: str, by: str = "", *, cause: Cause | None = None) -> Answer:
    """No account means all of them, also those that are opened later. Whoever has a name is a person."""
    return _switch(account_id, TradingState.HALTED, reason, by, cause)


def reduce(account_id: int | None, reason: str, by: str = "", *, cause: Cause | None = None) -> Answer:
    return _switch(account_id, TradingState.REDUCING, reason, by, cause)


def activate(account_id: int | None, reason: str, by: str = "", *, cause: Cause | None = None) -> Answer:
    """Asks nobody whether the reason is gone: a person comes in by `resuming.resume`, which does."""
    return _switch(account_id, TradingState.ACTIVE, reason, by, cause)


def _switch(
    account_id: int | None, wanted: TradingState, reason: str, by: str, cause: Cause | None
) -> Answer:
    """The new state is committed before anything is called off, so that nothing can hold it up."""
    asked_by = cause or (Cause.PERSON if by else Cause.VENUE)
    answer = change(account_id, wanted, reason, by, asked_by)
    if answer.state is TradingState.ACTIVE:
        return answer
    called_off = call_off_entries(account_id)
    in_flight = entries_of(account_id).filter(status=OrderStatus.SUBMITTED).order_by("created_at")
    return Answer(
        answer.name, answer.state, answer.move, answer.reason, called_off,
        tuple(in_flight.values_list("pk", flat=True)),
    )  # fmt: skip


@transaction.atomic
def change(account_id: int | None, wanted: TradingState, reason: str, by: str, asked_by: Cause) -> Answer:
    row, name = _locked(account_id)
    is_closing = wanted is TradingState.REDUCING and is_being_closed(account_id)
    now, set_by = TradingState(row.trading_state), Cause(row.state_cause)
    made = move(now, set_by, wanted, asked_by, is_being_closed=is_closing)
    if made is Move.CHANGE:
        _write(account_id, row, wanted, reason, by, asked_by)
    why = FLAT_GOES_ON if made is Move.KEEP and is_closing else row.state_reason
    return Answer(name, TradingState(row.trading_state), made, why)


def _locked(account_id: int | None) -> tuple[Switched, str]:
    """The openings' lock: what was decided before is a row by now, and what is decided after sees the new state."""
    accounts = ExchangeAccount.objects.select_for_update(no_key=True).order_by("pk")
    accounts = accounts.only("pk", "name", *SWITCH_FIELDS)  # never the keys: they may be unreadable now
    if account_id is not None:
        account = lock_soon(lambda: accounts.get(pk=account_id))
        return account, account.name
    lock_soon(lambda: list(accounts))
    GlobalState.objects.get_or_create(pk=EVERYWHERE)
    return GlobalState.objects.select_for_update(no_key=True).get(pk=EVERYWHERE), ""


def _write(
    account_id: int | None, row: Switched, wanted: TradingState, reason: str, by: str, cause: Cause
) -> None:
    change = StateChange.objects.create(
        account_id=account_id, from_state=row.trading_state, to_state=wanted, reason=reason, by=by[:100],
        cause=cause, epoch=row.epoch + 1, at=timezone.now(),
    )  # fmt: skip
    row.trading_state, row.state_reason, row.state_cause = wanted, reason, cause
    row.state_by, row.state_since, row.epoch = change.by, change.at, change.epoch
    row.save(update_fields=SWITCH_FIELDS)
    if wanted is TradingState.ACTIVE:
        give_up(account_id)
    _tell(change)


def _tell(change: StateChange) -> None:
    now = TradingState(change.to_state)
    whose = "account" if change.account_id is not None else "all_accounts"
    by: dict[str, Any] = {"by": change.by} if change.by else {}
    events.record(
        f"{whose}_{now}", RISK_LEVELS[now], account_id=change.account_id, reason=change.reason, **by
    )
    broadcast.notices_changed()


def entries_of(account_id: int | None) -> QuerySet[Order]:
    entries = Order.objects.filter(purpose=OrderPurpose.ENTRY)
    return entries if account_id is None else entries.filter(account_id=account_id)


def call_off_entries(account_id: int | None) -> int:
    """What was not sent is denied, what works is canceled. One that is on the wire is met by the next sweep."""
    found = overtaken_entries(account_id).order_by("created_at").values_list("pk", flat=True)
    return for_each(found, _call_off, "entry %s could not be called off")


def overtaken_entries(account_id: int | None) -> QuerySet[Order]:
    """Decided before the last change of state, and not ended."""
    everywhere = GlobalState.objects.filter(pk=EVERYWHERE).values("epoch")
    now = F("account__epoch") + Coalesce(Subquery(everywhere), 0)
    open_ones = entries_of(account_id).filter(status__in=(OrderStatus.INITIALIZED, *RESTING))
    return open_ones.filter(epoch__lt=now)


def fence(order: Order) -> str:
    """Why this entry may not be sent any more; empty: it may. Asked of the database, whatever the caller knows."""
    now = switch_of(order.account_id)
    return now.refusal or ("" if order.epoch == now.epoch else OVERTAKEN)


@transaction.atomic
def _call_off(order_id: UUID) -> None:
    position = lock_position(Order.objects.values_list("position_id", flat=True).get(pk=order_id))
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.status == OrderStatus.INITIALIZED or order.status in RESTING:
        call_off(order, fence(order))
        consequences.follow(position, order)
