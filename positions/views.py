"""The live page, the page of one position, and the way to close one. All work without JavaScript."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ops.desk.setting_up import set_up_first
from positions import picture, position_page, queries
from positions.lifecycle import CloseReason, PositionStatus
from positions.live_rows import Held, position_row
from positions.services import closing
from tradingbot.people import ACT, may, may_act, may_look

BLANK = {"id": "", "status": "", "shown": {}}


@never_cache
@require_safe
@may_look
@set_up_first
def live(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    may_close = may(request.user, ACT)
    return render(
        request,
        "live/page.html",
        queries.snapshot(now) | {"now": now, "blank": BLANK, "may_close": may_close},
    )


@never_cache
@require_safe
@may_look
def position(request: HttpRequest, position_id: int) -> HttpResponse:
    now = timezone.now()
    page = position_page.page_of(_record(position_id, now), now)
    may_close = page["is_closable"] and may(request.user, ACT)
    return render(request, "live/position.html", page | {"may_close": may_close})


@never_cache
@require_safe
@may_look
def chart(request: HttpRequest, position_id: int) -> JsonResponse:
    now = timezone.now()
    return JsonResponse(picture.picture_of(_record(position_id, now), now))


def _record(position_id: int, now: datetime) -> position_page.Record:
    record = position_page.record_of(position_id, now)
    if record is None:
        raise Http404("No such position.")
    return record


@never_cache
@require_http_methods(["GET", "POST"])
@may_act
def close(request: HttpRequest, position_id: int) -> HttpResponse:
    held = queries.held_position(position_id)
    if held is None:
        return _already_over(request, position_id)
    if request.method != "POST":
        return _confirmation(request, held)
    if request.POST.get("symbol", "").strip().upper() != held.base.upper():
        return _confirmation(request, held, refusal=_refusal(held), status=422)
    asked = closing.request_close(
        held.id, reason=CloseReason.MANUAL, requested_by=request.user.get_username()
    )
    return _answer(request, _outcome(held, sent=asked is not None))


def _refusal(held: Held) -> str:
    return f"Nothing was sent. Type {held.base} to close this position."


def _outcome(held: Held, *, sent: bool) -> str:
    what = f"{held.base} {held.position_side.value}"
    if sent:
        return f"Close order for {what} is on its way."
    if held.status == PositionStatus.CLOSING:
        return f"{what} is being closed already; no second order was made."
    return f"{what} is being closed."


def _already_over(request: HttpRequest, position_id: int) -> HttpResponse:
    sentence = queries.ending(position_id)
    if not sentence:
        raise Http404("No such position.")
    return _answer(request, sentence)


def _answer(request: HttpRequest, sentence: str) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"sentence": sentence}, status=202)
    messages.info(request, sentence)
    return redirect("live")


def _confirmation(request: HttpRequest, held: Held, *, refusal: str = "", status: int = 200) -> HttpResponse:
    if refusal and _wants_json(request):
        return JsonResponse({"sentence": refusal}, status=status)
    page = {
        "row": position_row(held, timezone.now()),
        "refusal": refusal,
        "mode": queries.mode(),
        "is_closing": held.status == PositionStatus.CLOSING,
    }
    return render(request, "live/close.html", page, status=status)


def _wants_json(request: HttpRequest) -> bool:
    return bool(request.get_preferred_type(["text/html", "application/json"]) == "application/json")
