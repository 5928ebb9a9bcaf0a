"""Stops an account from opening; exits go on."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from exchanges.errors import AccountUnusable, Banned, ExchangeError
from exchanges.models import ExchangeAccount, TradingState
from positions.lifecycle import OrderPurpose, OrderStatus
from positions.models import Order, RiskEvent
from positions.services import consequences, events
from positions.services.closing import call_off, lock_position

ENTRIES_PAUSE = timedelta(minutes=1)


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


@transaction.atomic
def halt(account_id: int, reason: str) -> None:
    """One transaction with the openings' lock: a sleeping worker finds no entry left to claim."""
    account = ExchangeAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    if account.trading_state != TradingState.HALTED:
        account.trading_state, account.state_reason = TradingState.HALTED, reason
        account.save(update_fields=["trading_state", "state_reason"])
        events.record("account_halted", "critical", account_id=account_id, reason=reason)
    unsent = Order.objects.filter(
        account_id=account_id, purpose=OrderPurpose.ENTRY, status=OrderStatus.INITIALIZED
    )
    for pk, position_id in unsent.values_list("pk", "position_id"):
        _deny(pk, position_id, reason)


def _deny(order_id: UUID, position_id: int, reason: str) -> None:
    position = lock_position(position_id)
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.status == OrderStatus.INITIALIZED:
        call_off(order, reason)
        consequences.follow(position, order)
