"""Refusals for rate are counted in the minute, and so in the hour, in which each of them came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from signals_app.models import SignalLog
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival
from signals_app.services.refusals import refuse_for_rate

HOUR = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_those_around_the_end_of_an_hour_are_counted_in_their_own() -> None:
    times = [HOUR + timedelta(seconds=seconds) for seconds in (-2, -1, 0, 1, 2)]
    verdicts = refuse_for_rate([Arrival("{}", "websocket:charts", at, SenderRule("charts")) for at in times])
    rows = list(SignalLog.objects.order_by("pk").values_list("pk", "received_at", "received_count"))
    assert [row[1:] for row in rows] == [(HOUR - timedelta(minutes=1), 2), (HOUR, 3)]
    assert [verdict.log_id for verdict in verdicts] == [rows[0][0]] * 2 + [rows[1][0]] * 3
