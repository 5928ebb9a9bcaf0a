"""Where the library that signs people in asks us: who may sign up, where from they come, how its secrets are kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from exchanges.secrets import opened, sealed
from ops.people.second_factor import has_second_factor
from tradingbot.freshness import is_fresh


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: Any, *, redirect_url: str, **words: Any) -> HttpResponse:
        """By way of the second factor for whoever has none; where they wanted to go is not forgotten."""
        answer: HttpResponse = super().post_login(request, user, redirect_url=redirect_url, **words)
        if has_second_factor(user) or answer.status_code != 302:
            return answer
        words_of_address = f"?{urlencode({'next': redirect_url})}" if redirect_url else ""
        return redirect(reverse("second-factor") + words_of_address)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The web server already looked through the proxies that TRUSTED_PROXIES names; nobody else's word counts."""
        return request.META.get("REMOTE_ADDR") or "127.0.0.1"

    def is_reauthentication_required(self, *, app: str, **words: Any) -> bool:
        return not is_fresh(context.request)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return sealed(text)

    def decrypt(self, encrypted_text: str) -> str:
        return opened(encrypted_text)
