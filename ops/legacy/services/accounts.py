"""Whose the rows of an older bot are: it named only an exchange."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.conf import settings
from django.core.management import CommandError

from exchanges.models import KEYS, ExchangeAccount
from exchanges.registry import is_on_paper
from exchanges.types import PositionMode, PositionSide
from ops.legacy.mapping.words import VENUES

Leg = tuple[str, str, PositionSide]  # venue, symbol, side


def account_at(venue: str, live_legs: Iterable[Leg] = ()) -> ExchangeAccount:
    """The one the owner named for this exchange, else one without keys, which nothing is asked of before somebody
    enters them. Its position mode is the one in which the older bot's live positions can be held."""
    name = settings.LEGACY_ACCOUNTS.get(venue) or f"legacy-{venue}"
    defaults = {"venue": venue, "position_mode": _mode_of(venue, live_legs)}
    return ExchangeAccount.objects.get_or_create(name=name, defaults=defaults)[0]


def check_named_accounts() -> None:
    """Before anything is imported."""
    named = settings.LEGACY_ACCOUNTS
    if unknown := sorted(set(named) - set(VENUES)):
        raise CommandError(f"LEGACY_ACCOUNTS names {', '.join(unknown)}; exchanges are {', '.join(VENUES)}.")
    for account in ExchangeAccount.objects.filter(name__in=named.values()).defer(*KEYS):
        if named.get(account.venue) != account.name:
            raise CommandError(
                f"LEGACY_ACCOUNTS names {account.name}, which is an account at {account.venue}."
            )


def why_not_taken_over(account: ExchangeAccount) -> str:
    """Empty: its exchange is the one that holds the older bot's live positions, as far as a person said so. Elsewhere
    they would be found missing, and closed in our books while they are held."""
    if account.venue in settings.LEGACY_ACCOUNTS:
        return ""
    keys = account.api_key and account.api_secret
    if not is_on_paper() and account.is_live_confirmed and keys:
        return ""
    return (
        f"it is live: it is taken over once the account {account.name} has its keys, is confirmed for live trading and "
        "DRY_RUN is off, or LEGACY_ACCOUNTS names the account that holds it"
    )


def _mode_of(venue: str, legs: Iterable[Leg]) -> PositionMode:
    """The older bots traded one way; whoever holds two legs of a contract does not."""
    held = Counter(symbol for at, symbol, _ in set(legs) if at == venue)
    return PositionMode.HEDGE if any(count > 1 for count in held.values()) else PositionMode.ONE_WAY
