"""The list of signals: what it says, how it is narrowed and paged."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from signals_app.models import SignalLog
from tests.builders import (
    a_log_entry,
    a_position,
    a_signal_log,
    a_strategy,
)
from tests.positions.lists.looking import text_of

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("pwned")</script>'


def test_a_signal_is_told_with_its_decision_reason_and_delay(viewer: Client) -> None:
    now = timezone.now()
    log = a_signal_log(
        source="websocket:charts", message="TREND UP", received_at=now,
        dispatched_at=now + timedelta(milliseconds=1234), sent_at=now - timedelta(milliseconds=80),
        raw_message='{"symbol":"BTCUSDT","deep":"€"}',
    )  # fmt: skip
    position = a_position()
    opened = a_log_entry(log, position=position)
    refused = a_log_entry(log, status="skipped", reason_code="cooldown", note="pauses for 5 min after a loss")
    page = text_of(viewer, "/signals/")
    for told in (
        "websocket:charts", "BTCUSDT", "TREND UP", opened.strategy.name, refused.strategy.name, "skipped",
        "pauses for 5 min after a loss", "1,234", "80", f'href="/positions/{position.pk}/"', '"deep": "€"',
    ):  # fmt: skip
        assert told in page
    assert "Replay in paper" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"symbol": "eth/usdt:usdt"}, "one"), ({"source": "stream"}, "two"), ({"decision": "ignored"}, "three"),
        ({"decision": "skipped"}, "two"), ({"reason": "cooldown"}, "two"), ({"reason": "stale"}, "three"),
        ({"strategy": "trend"}, "one"), ({"strategy": "trend", "decision": "opened"}, "one"),
        ({"until": "2020-01-31"}, "four"), ({"decision": "waiting"}, "five"),
    ],
)  # fmt: skip
def test_signals_are_narrowed_by_what_the_address_says(viewer: Client, query: dict, found: str) -> None:
    old = timezone.now() - timedelta(days=1)
    values = {"received_at": old}
    a_log_entry(a_signal_log(message="m-one", symbol="ETHUSDT", **values), a_strategy(name="trend"))
    skipped = a_signal_log(message="m-two", source="stream", **values)
    a_log_entry(skipped, status="skipped", reason_code="cooldown")
    a_signal_log(message="m-three", status="ignored", reason="old", reason_code="stale", **values)
    a_signal_log(message="m-four", received_at=datetime.fromisoformat("2020-01-31T23:59:00+00:00"))
    a_signal_log(message="m-five", dispatched_at=None, **values)
    page = text_of(viewer, "/signals/", **query)
    assert [word for word in ("one", "two", "three", "four", "five") if f"m-{word}<" in page] == [found]


def test_what_a_sender_wrote_stays_text(viewer: Client) -> None:
    a_signal_log(message=HOSTILE, raw_message=json.dumps({"a": HOSTILE}), source="x<b>")
    page = viewer.get("/signals/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_thousand_rows_are_paged_through_without_gap_or_repeat(viewer: Client) -> None:
    """Many of one moment, so that time alone does not tell them apart."""
    now = timezone.now()
    made = [
        a_signal_log(received_at=now - timedelta(seconds=n // 60), message=f"<{n}>").pk for n in range(130)
    ]
    seen, path, pages = [], "/signals/?source=test", 0
    while path:
        answer = viewer.get(path)
        seen += [row["id"] for row in answer.context["rows"]]
        path, pages = answer.context["older"] and f"/signals/{answer.context['older']}", pages + 1
    by_time = sorted(made, key=lambda pk: (SignalLog.objects.get(pk=pk).received_at, pk), reverse=True)
    assert (seen, pages) == (by_time, 3)
    back = viewer.get(f"/signals/{answer.context['newer']}")
    assert [row["id"] for row in back.context["rows"]] == by_time[50:100]
    assert back.context["asked"].value("source") == "test"


def test_newer_ones_are_counted_by_the_same_filter(viewer: Client) -> None:
    a_signal_log(source="stream")
    top = viewer.get("/signals/?source=stream").context["top"]
    ask = f"/signals/newer.json?source=stream&top={top}"
    assert viewer.get(ask).json() == {"count": 0}
    a_signal_log(source="stream")
    a_signal_log(source="other")
    assert viewer.get(ask).json() == {"count": 1}
    assert viewer.get("/signals/newer.json?source=stream&top=nonsense").json()["count"] == 1
