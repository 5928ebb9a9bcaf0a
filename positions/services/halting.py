"""Stops an account from opening; exits go on."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from exchanges.models import ExchangeAccount, TradingState
from positions.lifecycle import OrderPurpose, OrderStatus
from positions.models import Order
from positions.services import consequences, events
from positions.services.closing import call_off, lock_position


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
