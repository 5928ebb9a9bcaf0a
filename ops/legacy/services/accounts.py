"""Whose the rows of an older bot are: it named only an exchange."""

from __future__ import annotations

from django.conf import settings
from django.core.management import CommandError

from exchanges.models import KEYS, ExchangeAccount
from exchanges.types import PositionMode
from ops.legacy.mapping.words import VENUES


def account_at(venue: str) -> ExchangeAccount:
    """The one the owner named for this exchange, else one without keys, which nothing is asked of before somebody
    enters them. The older bots traded one way."""
    accounts = ExchangeAccount.objects.defer(*KEYS)
    if named := settings.LEGACY_ACCOUNTS.get(venue):
        return accounts.get(name=named)
    defaults = {"venue": venue, "position_mode": PositionMode.ONE_WAY}
    return accounts.get_or_create(name=f"legacy-{venue}", defaults=defaults)[0]


def check_named_accounts() -> None:
    """Before anything is imported."""
    named = settings.LEGACY_ACCOUNTS
    if unknown := sorted(set(named) - set(VENUES)):
        raise CommandError(f"LEGACY_ACCOUNTS names {', '.join(unknown)}; exchanges are {', '.join(VENUES)}.")
    there = dict(ExchangeAccount.objects.filter(name__in=named.values()).values_list("name", "venue"))
    for venue, name in named.items():
        if name not in there:
            raise CommandError(
                f"LEGACY_ACCOUNTS names {name}, and there is no such account, so nothing was imported. Correct the "
                "name; or leave it out, start, make the account in the admin, and name it then."
            )
        if there[name] != venue:
            raise CommandError(f"LEGACY_ACCOUNTS names {name}, which is an account at {there[name]}.")
