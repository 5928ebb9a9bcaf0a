"""What a person does, as sheets: a page each, that asks first. Without JavaScript they are pages, with it dialogs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from positions import act_page, queries
from positions.act_forms import (
    CloseAllForm,
    CloseForm,
    HandOverForm,
    KeyedForm,
    PartForm,
    StopForm,
    TakeBackForm,
    WishedStop,
)
from positions.lifecycle import PositionStatus
from positions.live_rows import Held, position_row
from positions.models import Order, Position
from positions.services import by_hand
from positions.services.once import Done
from tradingbot.freshness import freshly
from tradingbot.people import may_act, may_switch

Page = dict[str, Any]


def act(
    asking: Callable[..., Any],
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponseBase]]:
    """Asked with a page, done with its form, never kept by a browser."""
    return lambda view: never_cache(require_http_methods(["GET", "POST"])(asking(view)))


@act(may_act)
def close(request: HttpRequest, position_id: int) -> HttpResponse:
    held = queries.held_position(position_id)
    if held is None:
        return _already_over(request, position_id)
    form = CloseForm(request.POST or None, word=held.base)
    page = _page_of(held) | {"row": act_page.closing_facts(held, timezone.now())}
    page |= {"is_closing": held.status == PositionStatus.CLOSING, "back": reverse("live")}
    return _sheet(
        request, "live/acts/close.html", form, page, lambda key: by_hand.close(key, _who(request), held.id)
    )


@act(may_act)
def close_part(request: HttpRequest, position_id: int) -> HttpResponse:
    held = _held(position_id)
    form = PartForm(request.POST or None)

    def do(key: UUID) -> Done:
        share, quantity = form.cleaned_data["share"], form.cleaned_data["quantity"]
        percent = forms.DecimalField().to_python(share) if share else None
        return by_hand.close_part(key, _who(request), held.id, percent=percent, quantity=quantity)

    page = _page_of(held) | {
        "row": act_page.closing_facts(held, timezone.now()),
        "shares": act_page.shares(held),
    }
    return _sheet(request, "live/acts/part.html", form, page, do)


@act(may_act)
def move_stop(request: HttpRequest, position_id: int) -> HttpResponse:
    """Two steps: the level is named first, then what it means is shown and confirmed."""
    held = _held(position_id)
    form = StopForm(request.POST or None)

    def do(key: UUID) -> Done:
        stop, may_loosen = form.cleaned_data["stop"], form.cleaned_data["loosen"]
        seen = form.cleaned_data["seen"]
        return by_hand.move_stop(key, _who(request), held.id, stop, may_loosen=may_loosen, seen=seen)

    return _sheet(request, "live/acts/stop.html", form, _page_of(held) | _stops(request, held), do)


def _stops(request: HttpRequest, held: Held) -> Page:
    asked = WishedStop(request.POST if request.method == "POST" else request.GET or None)
    wished = asked.cleaned_data["stop"] if asked.is_valid() else None
    seen = by_hand.level_by_now(held.id)
    return {
        "row": position_row(held, timezone.now()),
        "asked": asked,
        "wished": wished,
        "standing": act_page.level(held, held.stop_price),
        "then": act_page.level(held, wished),
        "seen": seen,
        "is_loosening": wished is not None and act_page.is_loosening(held, wished, seen),
        "liquidation": act_page.level(held, act_page.liquidation(held)),
    }


@act(may_act)
def hand_over(request: HttpRequest, position_id: int) -> HttpResponse:
    held = _held(position_id)
    page = _page_of(held) | {"left": act_page.left_alone(held), "is_bare": held.is_unprotected}
    form = HandOverForm(request.POST or None, word=held.base)

    def do(key: UUID) -> Done:
        return by_hand.hand_over(key, _who(request), held.id, may_be_bare=form.cleaned_data["bare"])

    return _sheet(
        request,
        "live/acts/hand_over.html",
        form,
        page,
        do,
    )


@act(may_act)
def take_back(request: HttpRequest, position_id: int) -> HttpResponse:
    held = _held(position_id)
    form = TakeBackForm(request.POST or None)

    def do(key: UUID) -> Done:
        return by_hand.take_back(key, _who(request), held.id, may_close=form.cleaned_data["leave"])

    page = _page_of(held) | {
        "row": position_row(held, timezone.now()),
        "then": act_page.level(held, by_hand.level_by_now(held.id)),
        "leaves": by_hand.why_taking_back_closes(held.id),
    }
    return _sheet(request, "live/acts/take_back.html", form, page, do)


@act(may_act)
def close_again(request: HttpRequest, position_id: int) -> HttpResponse:
    held = _held(position_id)
    form = KeyedForm(request.POST or None)
    return _sheet(
        request,
        "live/acts/close_again.html",
        form,
        _page_of(held) | {"position": Position.objects.get(pk=held.id)},
        lambda key: by_hand.close_again(key, _who(request), held.id),
    )


@act(may_act)
def cancel_order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    order = get_object_or_404(Order.objects.select_related("position__instrument"), pk=order_id)
    page = {
        "order": order,
        "why_not": by_hand.why_not_canceled(order),
        "what": by_hand.name_of(order.position_id),
        "position_id": order.position_id,
        "back": reverse("position", args=[order.position_id]),
    }
    form = KeyedForm(request.POST or None)
    return _sheet(
        request,
        "live/acts/cancel.html",
        form,
        page,
        lambda key: by_hand.cancel_order(key, _who(request), order.pk),
    )


@act(may_switch)
@freshly
def close_all(request: HttpRequest) -> HttpResponse:
    count = Position.objects.filter(is_live=True).count()
    form = CloseAllForm(request.POST or None, word=f"CLOSE {count}")
    held = queries.held_positions()
    page = {"rows": [position_row(one, timezone.now()) for one in held], "back": reverse("live")}
    return _sheet(
        request,
        "live/acts/close_all.html",
        form,
        page,
        lambda key: by_hand.close_all(key, _who(request), form.cleaned_data["reason"]),
    )


def _who(request: HttpRequest) -> str:
    return str(request.user.get_username())


def _held(position_id: int) -> Held:
    held = queries.held_position(position_id)
    if held is None:
        raise Http404("No such live position.")
    return held


def _page_of(held: Held) -> Page:
    what = f"{held.base} {held.position_side.value}"
    return {"what": what, "position_id": held.id, "back": reverse("position", args=[held.id])}


def _sheet(
    request: HttpRequest, template: str, form: KeyedForm, page: Page, do: Callable[[UUID], Done]
) -> HttpResponse:
    """Asks, refuses or does; a refusal is asked again with another number."""
    if request.method != "POST":
        return _asked(request, template, form, page, "", 200)
    if not form.is_valid():
        reasons = [str(error) for errors in form.errors.values() for error in errors]
        return _asked(request, template, form, page, " ".join(["Nothing was sent.", *reasons]), 422)
    done = do(form.cleaned_data["key"])
    if done.is_refused:
        return _asked(request, template, form, page, done.sentence, 422)
    return _done(request, done, page["back"])


def _asked(
    request: HttpRequest, template: str, form: KeyedForm, page: Page, refusal: str, status: int
) -> HttpResponse:
    if refusal and wants_json(request):
        return JsonResponse({"sentence": refusal, "key": form.new_key}, status=status)
    whole = page | {"form": form, "word": form.word, "refusal": refusal, "mode": queries.mode()}
    return render(request, template, whole, status=status)


def _done(request: HttpRequest, done: Done, back: str) -> HttpResponse:
    where = reverse("flat", args=[done.flat_run_id]) if done.flat_run_id else ""
    if wants_json(request):
        answer = {"sentence": done.sentence, "order": done.order_id, "where": where}
        return JsonResponse(answer, status=202)
    messages.info(request, done.sentence)
    return redirect(where or back)


def _already_over(request: HttpRequest, position_id: int) -> HttpResponse:
    sentence = queries.ending(position_id)
    if not sentence:
        raise Http404("No such position.")
    return _done(request, Done(sentence), reverse("live"))


def wants_json(request: HttpRequest) -> bool:
    return bool(request.get_preferred_type(["text/html", "application/json"]) == "application/json")
