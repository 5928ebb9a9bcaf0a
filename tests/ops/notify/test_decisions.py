"""Who is told, when, how often and until when: decided without a clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from ops.notify.decisions import (
    GIVEN_UP_AFTER,
    LONGEST_PAUSE,
    MOST_ATTEMPTS,
    Kind,
    QuietHours,
    Severity,
    is_given_up,
    pause_after,
    quiet_until,
    same_as,
    severity_of,
    wants,
)

NIGHT = QuietHours(time(22), time(7), "Europe/Berlin")
LUNCH = QuietHours(time(12), time(13), "UTC")


@pytest.mark.parametrize(
    ("kinds", "least", "kind", "severity", "told"),
    [
        ([], "high", "risk_event", "high", True),
        ([], "high", "risk_event", "medium", False),
        (["switched"], "low", "risk_event", "critical", False),
        (["risk_event"], "low", "risk_event", "low", True),
        (["position_closed"], "critical", "position_closed", "low", True),
        (["risk_event"], "critical", "position_closed", "low", False),
        ([], "high", "position_opened", "low", False),
    ],
)
def test_who_wants_it(kinds: list[str], least: str, kind: str, severity: str, told: bool) -> None:
    assert wants(kinds, Severity(least), Kind(kind), Severity(severity)) is told


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (NIGHT, "2026-01-10T21:30+00:00", "2026-01-11T06:00+00:00"),  # 22:30 in Berlin
        (NIGHT, "2026-01-11T02:00+00:00", "2026-01-11T06:00+00:00"),
        (NIGHT, "2026-07-11T02:00+00:00", "2026-07-11T05:00+00:00"),  # summer
        (NIGHT, "2026-03-28T23:00+00:00", "2026-03-29T05:00+00:00"),  # the clock is put forward meanwhile
        (NIGHT, "2026-01-11T06:00+00:00", None),
        (LUNCH, "2026-01-11T12:00+00:00", "2026-01-11T13:00+00:00"),
        (LUNCH, "2026-01-11T11:59+00:00", None),
        (QuietHours(time(5), time(5), "UTC"), "2026-01-11T05:00+00:00", None),
        (None, "2026-01-11T05:00+00:00", None),
    ],
)
def test_quiet_hours_are_by_the_clock_on_the_wall(
    hours: QuietHours | None, now: str, until: str | None
) -> None:
    at = datetime.fromisoformat(now)
    assert quiet_until(hours, Severity.HIGH, at) == (until and datetime.fromisoformat(until))
    assert quiet_until(hours, Severity.CRITICAL, at) is None


def test_pauses_grow_and_end() -> None:
    pauses = [pause_after(count) for count in range(1, MOST_ATTEMPTS + 1)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1], pause_after(10_000)) == (
        timedelta(seconds=10),
        LONGEST_PAUSE,
        LONGEST_PAUSE,
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert not is_given_up(MOST_ATTEMPTS - 1, now, now)
    assert is_given_up(MOST_ATTEMPTS, now, now)
    assert is_given_up(1, now - GIVEN_UP_AFTER, now)


def test_numbers_make_no_other_message_and_subjects_do() -> None:
    first = same_as(Kind.SYSTEM_ERROR, "ops", "order 17 is lost")
    assert first == same_as(Kind.SYSTEM_ERROR, "ops", "order 18 is lost")
    assert first != same_as(Kind.SYSTEM_ERROR, "web", "order 17 is lost")


def test_a_level_nobody_knows_is_not_hidden() -> None:
    assert [severity_of(one) for one in ("low", "warning", "dreadful")] == ["low", "medium", "high"]
