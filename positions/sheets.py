"""What all sheets of acts share: one asks with a page, refuses, or does and tells, to browsers with scripts and
without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from positions import queries
from positions.act_forms import KeyedForm
from positions.services.once import Done

Page = dict[str, Any]


def act(
    asking: Callable[..., Any],
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponseBase]]:
    """Asked with a page, done with its form, never kept by a browser."""
    return lambda view: never_cache(require_http_methods(["GET", "POST"])(asking(view)))


def who_asks(request: HttpRequest) -> str:
    return str(request.user.get_username())


def sheet(
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
    return told(request, done, page["back"])


def _asked(
    request: HttpRequest, template: str, form: KeyedForm, page: Page, refusal: str, status: int
) -> HttpResponse:
    if refusal and wants_json(request):
        return JsonResponse({"sentence": refusal, "key": form.new_key}, status=status)
    whole = page | {"form": form, "word": form.word, "refusal": refusal, "mode": queries.mode()}
    return render(request, template, whole, status=status)


def told(request: HttpRequest, done: Done, back: str) -> HttpResponse:
    where = reverse("flat", args=[done.flat_run_id]) if done.flat_run_id else ""
    if wants_json(request):
        answer = {"sentence": done.sentence, "order": done.order_id, "where": where, "key": uuid4()}
        return JsonResponse(answer, status=202)
    messages.info(request, done.sentence)
    return redirect(where or back)


def wants_json(request: HttpRequest) -> bool:
    return bool(request.get_preferred_type(["text/html", "application/json"]) == "application/json")
