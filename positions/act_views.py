"""What a person does, as sheets: a page each, that asks first. Without JavaScript they are pages, with it dialogs."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from positions import act_page, queries
from positions.act_forms import (
    CloseAllForm,
    CloseForm,
    HandOverForm,
    KeyedForm,
    NoteForm,
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
from positions.sheets import Page, act, sheet, told, who_asks
from tradingbot.freshness import freshly
from tradingbot.people import may_act, may_switch


@act(may_act)
def close(request: HttpRequest, position_id: int) -> HttpResponse:
    held = queries.held_position(position_id)
    if held is None:
        return _already_over(request, position_id)
    form = CloseForm(request.POST or None, word=held.base)
    page = _page_of(held) | {"row": act_page.closing_facts(held, timezone.now())}
    page |= {"is_closing": held.status == PositionStatus.CLOSING, "back": reverse("live")}
    return sheet(
        request,
        "live/acts/close.html",
        form,
        page,
        lambda key: by_hand.close(key, who_asks(request), held.id),
    )


@act(may_act)
def close_part(request: HttpRequest, position_id: int) -> HttpResponse:
    held = _held(position_id)
    form = PartForm(request.POST or None)

    def do(key: UUID) -> Done:
        share, quantity = form.cleaned_data["share"], form.cleaned_data["quantity"]
        percent = forms.DecimalField().to_python(share) if share else None
        return by_hand.close_part(key, who_asks(request), held.id, percent=percent, quantity=quantity)

    page = _page_of(held) | {
        "row": act_page.closing_facts(held, timezone.now()),
        "shares": act_page.shares(held),
    }
    return sheet(request, "live/acts/part.html", form, page, do)


@act(may_act)
def move_stop(request: HttpRequest, position_id: int) -> HttpResponse:
    """Two steps: the level is named first, then what it means is shown and confirmed."""
    held = _held(position_id)
    form = StopForm(request.POST or None)

    def do(key: UUID) -> Done:
        stop, may_loosen = form.cleaned_data["stop"], form.cleaned_data["loosen"]
        seen = form.cleaned_data["seen"]
        return by_hand.move_stop(key, who_asks(request), held.id, stop, may_loosen=may_loosen, seen=seen)

    return sheet(request, "live/acts/stop.html", form, _page_of(held) | _stops(request, held), do)


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
        return by_hand.hand_over(key, who_asks(request), held.id, may_be_bare=form.cleaned_data["bare"])

    return sheet(
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
        return by_hand.take_back(key, who_asks(request), held.id, may_close=form.cleaned_data["leave"])

    page = _page_of(held) | {
        "row": position_row(held, timezone.now()),
        "then": act_page.level(held, by_hand.level_by_now(held.id)),
        "leaves": by_hand.why_taking_back_closes(held.id),
    }
    return sheet(request, "live/acts/take_back.html", form, page, do)


@act(may_act)
def close_again(request: HttpRequest, position_id: int) -> HttpResponse:
    held = _held(position_id)
    form = KeyedForm(request.POST or None)
    return sheet(
        request,
        "live/acts/close_again.html",
        form,
        _page_of(held) | {"position": Position.objects.get(pk=held.id)},
        lambda key: by_hand.close_again(key, who_asks(request), held.id),
    )


@act(may_act)
def note(request: HttpRequest, position_id: int) -> HttpResponse:
    """Of a position that is over, too: what one learned from it."""
    position = get_object_or_404(Position.objects.select_related("instrument"), pk=position_id)
    form = NoteForm(request.POST or None)
    page = {
        "what": by_hand.name_of(position.pk),
        "position_id": position.pk,
        "back": reverse("position", args=[position.pk]) + "#timeline",
    }

    def do(key: UUID) -> Done:
        return by_hand.note(key, who_asks(request), position.pk, form.cleaned_data["text"])

    return sheet(request, "live/acts/note.html", form, page, do)


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
    return sheet(
        request,
        "live/acts/cancel.html",
        form,
        page,
        lambda key: by_hand.cancel_order(key, who_asks(request), order.pk),
    )


@act(may_switch)
@freshly
def close_all(request: HttpRequest) -> HttpResponse:
    count = Position.objects.filter(is_live=True).count()
    form = CloseAllForm(request.POST or None, word=f"CLOSE {count}")
    held = queries.held_positions()
    page = {"rows": [position_row(one, timezone.now()) for one in held], "back": reverse("live")}
    return sheet(
        request,
        "live/acts/close_all.html",
        form,
        page,
        lambda key: by_hand.close_all(key, who_asks(request), form.cleaned_data["reason"]),
    )


def _held(position_id: int) -> Held:
    held = queries.held_position(position_id)
    if held is None:
        raise Http404("No such live position.")
    return held


def _page_of(held: Held) -> Page:
    what = f"{held.base} {held.position_side.value}"
    return {"what": what, "position_id": held.id, "back": reverse("position", args=[held.id])}


def _already_over(request: HttpRequest, position_id: int) -> HttpResponse:
    sentence = queries.ending(position_id)
    if not sentence:
        raise Http404("No such position.")
    return told(request, Done(sentence), reverse("live"))
