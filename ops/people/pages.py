"""Where a sign-in leads: on to the live page, by way of the second factor for whoever has none."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ops.people.second_factor import has_second_factor


@never_cache
@require_safe
@login_required
def second_factor(request: HttpRequest) -> HttpResponse:
    after = _wanted(request)
    if has_second_factor(request.user):
        return redirect(after)
    host = request.get_host().partition(":")[0]
    page = {
        "after": after,
        "is_paper": settings.DRY_RUN,
        "may_have_passkeys": request.is_secure() or host == "localhost",
    }
    return render(request, "people/second_factor.html", page)


def _wanted(request: HttpRequest) -> str:
    address = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        address, {request.get_host()}, require_https=request.is_secure()
    )
    return address if is_ours else reverse("live")
