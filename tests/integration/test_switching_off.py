"""An owner switches a strategy off in the admin while signals flow through two processes: each obeys at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Thread
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.forms import BaseForm
from django.test import Client
from django.urls import reverse

from signals_app.models import SignalLog, Strategy
from tests.integration.parts import Part
from tests.integration.stack import PHRASES, SYMBOL, Trader
from tests.ops.waiting import until

AT_ONCE = timedelta(seconds=1)
CONSIDERED = Q(entries__status="opened") | Q(entries__reason_code="already_open")
_numbers = count(1)


@pytest.fixture
def flow(trader: Trader, intake: Part) -> Iterator[None]:
    """Signals through the web process and the stream's, one after the other, until the test is over."""
    over = Event()

    def bar_time() -> str:
        return (datetime.now(UTC) - timedelta(microseconds=next(_numbers))).isoformat()

    def send() -> None:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            while not over.wait(0.02):
                trader.send(bar_time=bar_time())
                fields = {"symbol": SYMBOL, "message": next(iter(PHRASES)), "bar_time": bar_time()}
                client.xadd(settings.SIGNALS_STREAM, fields)
            client.delete(settings.SIGNALS_STREAM)

    thread = Thread(target=send)
    thread.start()
    yield
    over.set()
    thread.join(30)


def rows(source: str, **when: Any) -> Any:
    return SignalLog.objects.filter(source__startswith=source, **when)


def told(form: BaseForm) -> dict[str, Any]:
    """What a browser would send of this form as it stands."""
    values = {form.add_prefix(name): form[name].value() for name in form.fields}
    return {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None and value is not False
    }


def archive(strategy: Strategy) -> datetime:
    """In the admin; the moment of its answer."""
    owner = Client()
    owner.force_login(User.objects.create_superuser("owner"))
    address = reverse("admin:signals_app_strategy_change", args=[strategy.pk])
    page = owner.get(address).context
    filled = told(page["adminform"].form)
    for inline in page["inline_admin_formsets"]:
        for form in (inline.formset.management_form, *inline.formset.initial_forms):
            filled |= told(form)
        filled[f"{inline.formset.prefix}-TOTAL_FORMS"] = len(inline.formset.initial_forms)
    answer = owner.post(address, filled | {"archived": "on"})
    assert answer.status_code == 302, answer.context["errors"]
    return datetime.now(UTC)


@pytest.mark.timeout(180)
def test_a_strategy_archived_in_the_admin_is_refused_in_every_process(trader: Trader, flow: None) -> None:
    doors = ("websocket:", "stream")
    for door in doors:
        until(lambda door=door: rows(door).filter(CONSIDERED).count() > 5, f"signals through {door}", 60)

    answered = archive(trader.strategy)

    for door in doors:
        late = rows(door, received_at__gt=answered + AT_ONCE)
        until(lambda late=late: late.count() > 5, f"later signals through {door}", 60)
        after = rows(door, received_at__gt=answered)
        assert not after.filter(CONSIDERED).exists(), "what the owner switched off counts from his answer on"
        assert set(late.values_list("status", "reason_code")) == {("ignored", "no_strategy")}, door
