"""What a person chooses for himself, and the steps until the first signal. Both work without JavaScript."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ops.desk import preferences, setting_up
from ops.desk.forms import PreferencesForm
from ops.desk.services import preferences as kept
from positions import queries
from tradingbot.people import may_look


@never_cache
@require_http_methods(["GET", "POST"])
@may_look
def settings(request: HttpRequest) -> HttpResponse:
    form = PreferencesForm(request.POST or None, instance=preferences.of_user(request.user))
    if form.is_valid():
        kept.keep(int(request.user.pk or 0), form.cleaned_data)
        messages.success(request, "Kept. All pages use it from now on.")
        return redirect("settings")
    page = {"form": form, "mode": queries.mode()}
    return render(request, "desk/settings.html", page, status=422 if form.errors else 200)


@never_cache
@require_safe
@may_look
def setup(request: HttpRequest) -> HttpResponse:
    ticks = setting_up.ticks()
    left = [tick for tick in ticks if not tick.is_done]
    doors = setting_up.Doors.beside(request.build_absolute_uri("/"))
    sender, command = setting_up.first_signal(doors.webhook)
    page = {
        "sender": sender,
        "command": command,
        "ticks": [(tick, request.user.has_perm(tick.permission)) for tick in ticks],
        "next": left[0] if left else None,
        "done": len(ticks) - len(left),
        "doors": doors,
        "mode": queries.mode(),
    }
    return render(request, "desk/setup.html", page)
