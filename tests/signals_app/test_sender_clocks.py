"""What senders say of the time they sent, against our clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from signals_app.models import SignalLog, SignalSender
from signals_app.sender_clocks import NEWEST, clocks_of, sender_clocks
from tests.builders import a_signal_log

pytestmark = pytest.mark.django_db


def heard(source: str, *delays: float) -> None:
    now = timezone.now()
    for delay in delays:
        a_signal_log(source=source, received_at=now, sent_at=now - timedelta(seconds=delay))


def test_the_median_delay_of_each_source() -> None:
    heard("websocket:charts", 0.25, 0.5, 90)
    heard("webhook:charts", -7200, -7199, -7201)
    heard("stream", 1.0)
    a_signal_log(source="server", sent_at=None)
    now = timezone.now()
    assert {source: one.delay.total_seconds() for source, one in sender_clocks(now).items()} == {
        "websocket:charts": 0.5,
        "webhook:charts": -7200,
        "stream": 1.0,
    }
    assert [str(one) for one in clocks_of("charts", now)] == [
        "webhook:charts: its clock is 7200.000 s ahead of ours (signals: 3)",
        "websocket:charts: 0.500 s from sending to arrival (signals: 3)",
    ]
    assert clocks_of("chart", now) == []


def test_a_quiet_source_beside_a_flood_has_its_clock() -> None:
    """As many as were once looked at of all sources together."""
    heard("websocket:quiet", 2.0)
    now = timezone.now()
    flood = [
        SignalLog(source="stream", status="ignored", reason="x", reason_code="stale", received_at=now, sent_at=now,
                  dispatched_at=now)
        for _ in range(5001)
    ]  # fmt: skip
    SignalLog.objects.bulk_create(flood)
    found = sender_clocks(timezone.now())
    assert {source: one.signals for source, one in found.items()} == {"websocket:quiet": 1, "stream": NEWEST}


def test_what_is_long_ago_says_nothing_of_today() -> None:
    old = timezone.now() - timedelta(days=8)
    a_signal_log(source="stream", received_at=old, sent_at=old - timedelta(hours=1))
    assert sender_clocks(timezone.now()) == {}


def test_its_page_shows_the_clock_of_a_sender(client: Client) -> None:
    client.force_login(User.objects.create_superuser("owner"))
    sender = SignalSender.objects.create(name="charts", token_hash="0" * 64)
    page = reverse("admin:signals_app_signalsender_change", args=[sender.pk])
    assert "not known: no signal of it said when it was sent" in client.get(page).content.decode()
    heard("websocket:charts", -30)
    assert "its clock is 30.000 s ahead of ours (signals: 1)" in client.get(page).content.decode()
    assert client.get(reverse("admin:signals_app_signalsender_add")).status_code == 200
