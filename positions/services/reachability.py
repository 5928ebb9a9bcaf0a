"""Whether each account can be reached, told by the answers that flow anyway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from exchanges.errors import ExchangeError, is_silence
from exchanges.models import AccountWatch
from exchanges.types import BreakerState
from exchanges.venue_codes import is_own_failure
from positions import breaker, broadcast
from positions.breaker import Breaker, Patience
from positions.models import Position
from positions.services import events

_UNHURT = {"breaker": BreakerState.CLOSED, "unreachable_failures": 0}


def patience() -> Patience:
    return settings.BREAKER_PATIENCE


def hear(account_id: int, error: ExchangeError) -> None:
    """A refusal with the venue's own number is an answer, unless that says that the venue does not work; our own
    refusal to ask proves nothing."""
    if is_silence(error) or is_own_failure(error.code):
        at = timezone.now()
        _move(account_id, lambda one: breaker.failed(one, at, str(error)[:300], patience()))
    elif error.code:
        answered(account_id)


def answered(account_id: int) -> None:
    """Asked for after every order: nothing is written while all is well."""
    if AccountWatch.objects.filter(account_id=account_id).exclude(**_UNHURT).exists():
        _move(account_id, partial(breaker.answered, at=timezone.now()))


def compared(account_id: int, asked_at: datetime) -> None:
    if AccountWatch.objects.filter(account_id=account_id, breaker=BreakerState.RECOVERING).exists():
        _move(account_id, lambda one: breaker.compared(one, asked_at, patience()))


def breaker_of(watch: AccountWatch) -> Breaker:
    return Breaker(
        state=BreakerState(watch.breaker),
        failures=watch.unreachable_failures,
        failing_since=watch.unreachable_since,
        error=watch.unreachable_error,
        recovering_since=watch.recovering_since,
        comparisons=watch.recovery_comparisons,
        compared_at=watch.recovery_compared_at,
    )


@transaction.atomic
def _move(account_id: int, rule: Callable[[Breaker], Breaker]) -> None:
    watch = AccountWatch.objects.select_for_update().get_or_create(account_id=account_id)[0]
    before = breaker_of(watch)
    after = rule(before)
    if after == before:
        return
    AccountWatch.objects.filter(pk=watch.pk).update(**_columns(after))
    if after.state is not before.state:
        _tell(account_id, before, after)


def _columns(state: Breaker) -> dict[str, Any]:
    return {
        "breaker": state.state.value,
        "unreachable_failures": state.failures,
        "unreachable_since": state.failing_since,
        "unreachable_error": state.error,
        "recovering_since": state.recovering_since,
        "recovery_comparisons": state.comparisons,
        "recovery_compared_at": state.compared_at,
    }


def _tell(account_id: int, before: Breaker, after: Breaker) -> None:
    """Open and recovering may take turns for long: only the first opening is an alarm."""
    _show(account_id, has_turned=before.state is BreakerState.CLOSED or after.state is BreakerState.CLOSED)
    match after.state:
        case BreakerState.OPEN if before.state is BreakerState.CLOSED:
            events.record(
                "account_unreachable", "critical", account_id=account_id, since=after.failing_since,
                failures=after.failures, reason=after.error,
            )  # fmt: skip
        case BreakerState.CLOSED:
            events.record(
                "account_reachable_again", "high", account_id=account_id, since=before.failing_since
            )


def _show(account_id: int, *, has_turned: bool) -> None:
    """Between known and unverified every position of the account looks different."""
    broadcast.notices_changed()
    if has_turned:
        for pk in Position.objects.filter(account=account_id, is_live=True).values_list("pk", flat=True):
            broadcast.position_changed(pk)
