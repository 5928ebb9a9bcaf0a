"""The live page and the page of one position. Both work without JavaScript."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from exchanges.types import Timeframe
from ops.desk.setting_up import set_up_first
from positions import picture, position_page, queries
from positions.notices import is_paused
from tradingbot.people import ACT, SWITCH, may, may_look

FRAMES = ("1m", "5m", "15m", "1h")  # of the keys 1 to 4
BLANK = {"id": "", "status": "", "shown": {}}


@never_cache
@require_safe
@may_look
@set_up_first
def live(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rights = {"may_close": may(request.user, ACT), "may_switch": may(request.user, SWITCH)}
    picture = queries.snapshot(now)
    pausing = {"pause_key": uuid4(), "is_paused": is_paused(picture["notices"])}
    page = picture | {"now": now, "blank": BLANK, "frames": FRAMES} | pausing | rights
    return render(request, "live/page.html", page)


@never_cache
@require_safe
@may_look
def position(request: HttpRequest, position_id: int) -> HttpResponse:
    now = timezone.now()
    page = position_page.page_of(_record(position_id, now), now)
    may_act = may(request.user, ACT)
    rights = {"may_act": may_act, "may_close": page["is_closable"] and may_act}
    return render(request, "live/position.html", page | rights)


@never_cache
@require_safe
@may_look
def chart(request: HttpRequest, position_id: int) -> JsonResponse:
    now, asked = timezone.now(), request.GET.get("timeframe")
    timeframe = Timeframe(asked) if asked in set(Timeframe) else None
    return JsonResponse(picture.picture_of(_record(position_id, now), now, timeframe))


def _record(position_id: int, now: datetime) -> position_page.Record:
    record = position_page.record_of(position_id, now)
    if record is None:
        raise Http404("No such position.")
    return record
