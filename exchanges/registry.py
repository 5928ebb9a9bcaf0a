"""Which exchange an account talks to. Dry-run is enforced here and nowhere else."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.text import slugify

from exchanges.client import ExchangeClient, ExchangeStream
from exchanges.credentials import Credentials
from exchanges.errors import AccountUnusable
from exchanges.paper.inprocess import is_address
from exchanges.paper.inprocess_clients import client_at
from exchanges.paper.signing import paper_secret


class Account(Protocol):
    """What we read of exchanges.models.ExchangeAccount; the keys only when trading is real."""

    pk: int
    name: str
    venue: str
    api_key: str
    api_secret: str
    is_live_confirmed: bool


def warm_up() -> None:
    """For processes that trade: the first order should not wait for what speaks to venues to be imported."""
    import exchanges.venue_clients  # noqa: F401


def get_client(account: Account) -> ExchangeClient:
    return client_for(credentials_of(account))


def client_for(credentials: Credentials) -> ExchangeClient:
    if is_address(credentials.base_url):
        return client_at(credentials.base_url, credentials.api_key, credentials.venue)
    from exchanges.venue_clients import client_with

    return client_with(credentials)


def get_stream(account: Account) -> ExchangeStream:
    from exchanges.venue_clients import stream_with

    return stream_with(credentials_of(account))


def credentials_of(account: Account) -> Credentials:
    """Anything but a plain False in DRY_RUN is paper."""
    return _paper(account) if is_on_paper() else _live(account)


def is_on_paper() -> bool:
    return settings.DRY_RUN is not False


def _paper(account: Account) -> Credentials:
    """Made up from the account's name; the real keys are not even read."""
    api_key = f"paper-{account.pk}-{slugify(account.name)}"
    return Credentials(str(account.venue), api_key, paper_secret(api_key), _paper_url(account))


def _live(account: Account) -> Credentials:
    if not account.is_live_confirmed:
        raise AccountUnusable(f"The account {account.name} is not confirmed for live trading.")
    if not (account.api_key and account.api_secret):
        raise AccountUnusable(f"The account {account.name} has no API keys.")
    return Credentials(str(account.venue), account.api_key, account.api_secret)


def _paper_url(account: Account) -> str:
    """One paper exchange for every venue, unless a venue has one of its own; the same rule for each address."""
    url = str(settings.PAPER_EXCHANGE_URLS.get(str(account.venue)) or settings.PAPER_EXCHANGE_URL or "")
    if is_address(url):
        return url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not _is_paper_host(parts.hostname or ""):
        raise AccountUnusable(
            f"Dry-run refuses the exchange {parts.hostname!r}: PAPER_EXCHANGE_URL and PAPER_EXCHANGE_URLS must "
            "be on this machine or on a host listed in PAPER_HOSTS."
        )
    return url


def _is_paper_host(host: str) -> bool:
    if host == "localhost" or host in settings.PAPER_HOSTS:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
