"""Which wave is expected and when it is looked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.waves import Check, WaveStatus, candle_of, due_check, expected_wave, is_stale, moved

MINUTES = (6, 20, 35, 50)
TWO_MINUTES = timedelta(seconds=120)


def at(clock: str, day: int = 14) -> datetime:
    return datetime.fromisoformat(f"2025-10-{day:02}T{clock}+00:00")


@pytest.mark.parametrize(
    ("now", "wave"),
    [
        ("10:00:00", "09:45:00"), ("10:06:00", "09:45:00"), ("10:15:59", "09:45:00"),
        ("10:16:00", "10:00:00"), ("10:20:30", "10:00:00"), ("10:30:59", "10:00:00"),
        ("10:31:00", "10:15:00"), ("10:45:59", "10:15:00"),
        ("10:46:00", "10:30:00"), ("10:59:59.999999", "10:30:00"),
    ],
)  # fmt: skip
def test_the_expected_wave_of_each_minute(now: str, wave: str) -> None:
    assert expected_wave(at(now)) == at(wave)


def test_the_first_minutes_of_a_day_expect_the_day_before() -> None:
    assert expected_wave(at("00:06:00")) == at("23:45:00", day=13)
    assert expected_wave(datetime(2026, 1, 1, 0, 3, tzinfo=UTC)) == datetime(2025, 12, 31, 23, 45, tzinfo=UTC)


def test_time_zones_do_not_matter() -> None:
    half_past = timezone(timedelta(hours=5, minutes=45))
    assert expected_wave(at("10:20:00").astimezone(half_past)) == at("10:00:00")


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 2), max_value=datetime(2100, 1, 1)))
def test_an_expected_candle_has_ended_at_most_a_quarter_of_an_hour_and_a_minute_ago(now: datetime) -> None:
    wave = expected_wave(now)
    assert wave == candle_of(wave)
    assert timedelta(minutes=14) < now - wave < timedelta(minutes=31)


def test_a_check_begins_at_its_minute_and_lasts_two() -> None:
    due = Check(at("09:45:00"), at("10:08:00"))
    found = [
        due_check(at(now), MINUTES, TWO_MINUTES) for now in ("10:05:59", "10:06:00", "10:07:59", "10:08:00")
    ]
    assert found == [None, due, due, None]


def test_every_wave_of_a_day_is_looked_for_once() -> None:
    seconds = (at("00:00:00") + timedelta(seconds=n) for n in range(24 * 3600))
    found = {check for now in seconds if (check := due_check(now, MINUTES, TWO_MINUTES))}
    waves = sorted(check.wave_time for check in found)
    assert waves == [at("23:45:00", day=13) + timedelta(minutes=15 * n) for n in range(96)]


def test_a_check_goes_on_over_the_hour_and_over_midnight() -> None:
    checks = {due_check(at(now), (59,), timedelta(minutes=5)) for now in ("23:59:00", "23:59:59")}
    checks.add(due_check(at("00:03:59", day=15), (59,), timedelta(minutes=5)))
    assert checks == {Check(at("23:30:00"), at("00:04:00", day=15))}
    assert due_check(at("00:04:00", day=15), (59,), timedelta(minutes=5)) is None


def test_where_checks_overlap_the_newest_counts() -> None:
    check = due_check(at("10:21:00"), (18, 20), timedelta(minutes=10))
    assert check == Check(at("10:00:00"), at("10:30:00"))


def test_without_minutes_nothing_is_due() -> None:
    assert due_check(at("10:06:00"), (), TWO_MINUTES) is None


def test_a_wave_is_stale_after_two_hours() -> None:
    assert [is_stale(at("10:00:00"), at(now)) for now in ("12:00:00", "12:00:01")] == [False, True]


LEGAL = {("processing", "executing"), ("processing", "not_found"), ("executing", "completed")}


@pytest.mark.parametrize("to", WaveStatus)
@pytest.mark.parametrize("status", WaveStatus)
def test_a_wave_moves_forward_or_not_at_all(status: WaveStatus, to: WaveStatus) -> None:
    assert status.is_over == (status in (WaveStatus.COMPLETED, WaveStatus.NOT_FOUND))
    if (status, to) in LEGAL:
        assert moved(status, to) is to
    else:
        with pytest.raises(ValueError, match=f"{status} cannot become {to}"):
            moved(status, to)
