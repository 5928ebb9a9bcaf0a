"""Who may ask: a token of a person, within its scope and what its person may, so many times a minute."""

from __future__ import annotations

import math

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from ops.people.services import tokens
from ops.people.token_models import ApiToken
from ops.people.tokens import may_close_all, may_with
from signals_app.buckets import Rate
from signals_app.doors import meet_stranger
from signals_app.limits import Buckets
from signals_app.networks import client_address
from tradingbot.api.problems import Refusal
from tradingbot.people import ACT, LOOK, SWITCH

RATE = Rate(per_minute=300, burst=100)  # of one token, in each process of the web page
SLOW_DOWN = "60"

asked = Buckets()


class Token(HttpBearer):
    """Sessions of browsers open nothing here, so no other site can speak for whoever is signed in."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self.permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        found = tokens.token_of(token, timezone.now())
        if found is None:
            _meet(request)
            return None
        _within_rate(found)
        if refusal := self.refusal_of(found):
            raise Refusal(403, refusal)
        request.user = found.user
        return found

    def refusal_of(self, token: ApiToken) -> str:
        """Empty: it may."""
        return "" if may_with(token, self.permission) else f"This token does not carry {self.permission}."


class PanicToken(Token):
    def refusal_of(self, token: ApiToken) -> str:
        if may_close_all(token):
            return ""
        return "Closing everything needs a token of the scope panic, and a person who may switch trading."


def _meet(request: HttpRequest) -> None:
    """A guess. Who guesses too often is not even answered that it is wrong."""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "")
    address = client_address(request.META.get("REMOTE_ADDR", ""), told, settings.TRUSTED_PROXIES)
    if meet_stranger("API", address):
        raise Refusal(429, "Too many wrong tokens from there.", {"Retry-After": SLOW_DOWN})


def _within_rate(token: ApiToken) -> None:
    name = str(token.pk)
    if not asked.passing(name, RATE):
        wait = max(1, math.ceil(asked.seconds_until_next(name, RATE)))
        said = f"More than {RATE.per_minute} a minute (and {RATE.burst} at once)."
        raise Refusal(429, said, {"Retry-After": str(wait)})


looking, acting, switching = Token(LOOK), Token(ACT), Token(SWITCH)
closing_all = PanicToken(SWITCH)
