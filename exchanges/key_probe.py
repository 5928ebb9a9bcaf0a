"""What a key that is about to be saved may do, asked before anything is written. On paper no real key is read."""

from __future__ import annotations

from dataclasses import dataclass

from exchanges import session
from exchanges.credentials import Credentials
from exchanges.errors import ExchangeError
from exchanges.key_rights import KeyPermissions
from exchanges.registry import is_on_paper


@dataclass(frozen=True, slots=True)
class Probe:
    """Of these very keys. No permissions: the exchange did not tell them, `failure` says why."""

    api_key: str
    permissions: KeyPermissions | None
    failure: str = ""

    @property
    def owner(self) -> str:
        """The exchange's number of the account these keys belong to; empty: not told."""
        return self.permissions.owner if self.permissions else ""


def probe(venue: str, api_key: str, api_secret: str) -> Probe | None:
    if is_on_paper() or not (venue and api_key and api_secret):
        return None
    try:
        told = session.ask_once(Credentials(venue, api_key, api_secret), lambda c: c.key_permissions())
    except ExchangeError as error:
        return Probe(api_key, None, error.sentence)
    return Probe(api_key, told)


def owner_of(venue: str, api_key: str, api_secret: str) -> str:
    """Of keys that are about to be replaced: a venue often still takes them."""
    told = probe(venue, api_key, api_secret)
    return told.owner if told else ""
