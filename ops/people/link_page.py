"""Where the link of the start leads. Its word stands behind a # in the address: browsers send that to nobody, so it is
in no log, and what only looks at an address does not use it up."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ops.people.here import is_from_this_machine
from ops.people.services import login_links
from ops.system_log import log_system_event

ELSEWHERE = "This works on the machine of the bot alone. Sign in with name and password."
ON_PAPER_ALONE = "With real money nobody is signed in by a link. Sign in with name and password."
OVER = "This link does not work, or not any more: each works once, for a quarter of an hour."


@sensitive_post_parameters("word")
@never_cache
@require_http_methods(["GET", "POST"])
def login_link(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("live")
    if refusal := _refusal(request):
        return _page(request, refusal, 403)
    if request.method != "POST":
        return _page(request)
    user = login_links.take(request.POST.get("word", ""), timezone.now())
    if user is None:
        return _page(request, OVER, 403)
    log_system_event("INFO", __name__, f"{user.get_username()} came in by the link of the start")
    # a second factor is asked for all the same
    answer: HttpResponse = perform_login(request, Login(user=user, redirect_url=reverse("live")))
    return answer


def _refusal(request: HttpRequest) -> str:
    if not settings.DRY_RUN:
        return ON_PAPER_ALONE
    return "" if is_from_this_machine(request) else ELSEWHERE


def _page(request: HttpRequest, refusal: str = "", status: int = 200) -> HttpResponse:
    return render(request, "people/login_link.html", {"refusal": refusal}, status=status)
