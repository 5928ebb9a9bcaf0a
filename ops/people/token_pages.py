"""Tokens of one's own programs. A new one is in the answer to its form and nowhere else: no message, no address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ops.people.services import tokens as kept
from ops.people.token_models import ApiToken, Scope
from ops.people.tokens import NEEDED
from tradingbot.freshness import ask_again, is_fresh
from tradingbot.people import may, may_look

MEANINGS = {
    Scope.READ: "read",
    Scope.TRADE: "read, close, halt and resume",
    Scope.ADMIN: "all you may yourself, but not close everything",
    Scope.PANIC: "read, and close everything",
}


class TokenForm(forms.Form):
    name = forms.CharField(max_length=60, label="What is it for?")
    scope = forms.ChoiceField(label="It may")
    days = forms.IntegerField(min_value=1, max_value=365, initial=90, label="Days until it expires")

    def __init__(self, user: Any, *names: Any, **words: Any) -> None:
        super().__init__(*names, **words)
        scope: Any = self.fields["scope"]
        scope.choices = [(one.value, MEANINGS[one]) for one in Scope if may(user, NEEDED[one])]


@never_cache
@require_http_methods(["GET", "POST"])
@may_look
def tokens(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.user, request.POST or None)
    if request.method != "POST":
        return _page(request, form)
    if not is_fresh(request):
        return ask_again(request)
    if not form.is_valid():
        return _page(request, form, status=422)
    chosen = form.cleaned_data
    _, token = kept.issue(request.user, chosen["name"], Scope(chosen["scope"]), chosen["days"])
    return _page(request, TokenForm(request.user), token, status=201)


@never_cache
@require_POST
@may_look
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    if not kept.revoke(request.user, token_id):
        raise Http404("No such token of yours works.")
    messages.info(request, "Revoked. Programs that have it are refused from now on.")
    return redirect("tokens")


def _page(request: HttpRequest, form: TokenForm, token: str = "", status: int = 200) -> HttpResponse:
    mine = ApiToken.objects.filter(user=request.user).order_by("-created_at")  # type: ignore[misc]
    page = {"form": form, "tokens": mine, "token": token, "now": timezone.now()}
    return render(request, "people/tokens.html", page, status=status)
