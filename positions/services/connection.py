"""Does the exchange answer with this account's keys, and are they what a bot should have? Asked by an owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from exchanges import session
from exchanges.errors import ExchangeError
from exchanges.key_rights import KeyPermissions
from exchanges.models import ExchangeAccount
from exchanges.registry import is_on_paper
from positions import formats
from positions.services import position_modes
from positions.services.position_modes import CannotSwitch

UNKNOWN = None
WHOSE = "Whose key it is"
ON_PAPER = "Asked of the paper exchange: real keys are not read while the bot is on paper."


@dataclass(frozen=True, slots=True)
class Finding:
    """`is_good` None: it could not be asked."""

    what: str
    sentence: str
    is_good: bool | None


def test_connection(account: ExchangeAccount) -> list[Finding]:
    """Raises nothing: what cannot be asked is a finding. Nothing is asked inside a transaction. On paper a key is
    nobody's."""
    whose = [] if is_on_paper() else [_asked(WHOSE, lambda: _owner(account))]
    return [
        _asked("Answer", lambda: _balance(account)),
        _asked("Rights of the key", lambda: _rights(account)),
        *whose,
        _asked("Clock", lambda: _clock(account)),
        _asked("Position mode", lambda: Finding("Position mode", position_modes.compare(account), True)),
    ]


def _asked(what: str, question: Callable[[], Finding]) -> Finding:
    try:
        return question()
    except CannotSwitch as differs:
        return Finding(what, str(differs), False)
    except ExchangeError as error:
        return Finding(what, error.sentence, UNKNOWN)


def _balance(account: ExchangeAccount) -> Finding:
    told = session.call(account, lambda client: client.balance())
    text = f"The exchange answers: equity {formats.amount(told.equity)} USDT."
    return Finding("Answer", f"{text} {ON_PAPER}" if is_on_paper() else text, True)


def _rights(account: ExchangeAccount) -> Finding:
    told = session.call(account, lambda client: client.key_permissions())
    if not is_on_paper():
        _keep(account.pk, told)
    said = " ".join(told.warnings) or "It may trade, may not withdraw, and is bound to addresses."
    refused = told.can_withdraw or not told.can_trade
    return Finding("Rights of the key", f"Refused. {said}" if refused else said, not told.warnings)


def _owner(account: ExchangeAccount) -> Finding:
    """Kept when it is told first. With a key of another account what is open here would be taken for closed."""
    now = session.call(account, lambda client: client.key_permissions()).owner
    if not now:
        return Finding(WHOSE, "The exchange does not tell.", UNKNOWN)
    known = ExchangeAccount.objects.filter(pk=account.pk)
    if known.filter(exchange_user="").update(exchange_user=now) or known.filter(exchange_user=now).exists():
        return Finding(WHOSE, f"Of the exchange's account {now}, as before.", True)
    return Finding(WHOSE, f"Of the exchange's account {now}: it was another one's before.", False)


@transaction.atomic
def _keep(account_id: int, told: KeyPermissions) -> None:
    """An account that trades for real keeps what its owner acknowledged; new warnings are for him to acknowledge."""
    account = ExchangeAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    warnings = list(told.warnings)
    if warnings != account.permissions_seen:
        if account.is_live_confirmed and warnings:
            return
        account.permissions_acknowledged_by, account.permissions_acknowledged_at = "", None
    account.permissions_seen, account.permissions_seen_at = warnings, timezone.now()
    account.save(
        update_fields=[
            "permissions_seen", "permissions_seen_at", "permissions_acknowledged_by", "permissions_acknowledged_at",
        ]
    )  # fmt: skip


def _clock(account: ExchangeAccount) -> Finding:
    told = session.call(account, lambda client: client.clock())
    if told is None:
        return Finding("Clock", "The exchange has not told its time yet.", UNKNOWN)
    limit = settings.MAX_CLOCK_OFFSET_MS
    if told.is_beyond(limit):
        return Finding("Clock", told.sentence(limit).capitalize(), False)
    return Finding(
        "Clock", f"{abs(told.offset_ms)} ms apart from the exchange's; {limit} ms are allowed.", True
    )
