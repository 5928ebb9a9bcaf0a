"""A loop outlives its steps, tells of trouble once, and ends at once when told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from ops import safe_loop
from ops.safe_loop import _Trouble, run_safe_loop
from tests.ops.waiting import until

Told = list[tuple[str, str, str]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    heard: Told = []

    def hear(level: str, module: str, message: str, **details: Any) -> None:
        heard.append((level, module, message))

    monkeypatch.setattr(safe_loop, "log_system_event", hear)
    return heard


@pytest.fixture
def stop() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()


def steps(stop: Event, *outcomes: Exception | None) -> Callable[[], None]:
    """One outcome a step; the loop ends after the last."""
    left = list(outcomes)

    def step() -> None:
        outcome = left.pop(0)
        if not left:
            stop.set()
        if outcome is not None:
            raise outcome

    return step


def run(stop: Event, *outcomes: Exception | None) -> None:
    run_safe_loop("source", steps(stop, *outcomes), stop=stop, first_delay=0.0)


def test_a_failure_is_told_once_and_its_end_too(told: Told, stop: Event) -> None:
    run(stop, None, ValueError("a"), ValueError("b"), ValueError("c"), None, None)
    assert told == [("ERROR", "source", "ValueError: a"), ("INFO", "source", "works again after 3 failures")]


def test_each_kind_of_failure_is_told(told: Told, stop: Event) -> None:
    run(stop, ValueError("a"), OSError("b"), ValueError("c"), None)
    assert [message for _, _, message in told[:2]] == ["ValueError: a", "OSError: b"]


def test_what_fails_every_other_time_is_no_flood(told: Told, stop: Event) -> None:
    run(stop, *[ValueError("a"), None] * 100)
    assert len(told) == 2


def test_delays_double_up_to_the_longest_and_begin_anew_after_success(told: Told) -> None:
    trouble = _Trouble("source", first_delay=0.5, longest_delay=30.0)
    delays = [trouble.delay_after(ValueError()) for _ in range(50)]
    wanted = [min(0.5 * 2**n, 30.0) for n in range(50)]
    assert all(want / 2 <= delay <= want for delay, want in zip(delays, wanted, strict=True))
    assert len(set(delays)) > 40  # not all at the same moment
    trouble.is_over()
    assert trouble.delay_after(ValueError()) <= 0.5


def test_a_step_that_worked_for_long_before_it_failed_begins_anew(
    told: Told, stop: Event, monkeypatch
) -> None:
    monkeypatch.setattr(safe_loop, "WORKED_SECONDS", 0.0)
    waits: list[float] = []
    monkeypatch.setattr(stop, "wait", waits.append)
    run_safe_loop("source", steps(stop, *[OSError()] * 8), stop=stop, first_delay=0.5)
    assert max(waits) <= 0.5


def test_it_stops_amid_a_long_delay(told: Told, stop: Event) -> None:
    def step() -> None:
        raise ValueError

    with ThreadPoolExecutor(1) as thread:
        loop = thread.submit(run_safe_loop, "source", step, stop=stop, first_delay=600.0, longest_delay=600.0)
        until(lambda: told, "the failure")
        stop.set()
        loop.result(60)


def test_it_stops_amid_a_pause(stop: Event) -> None:
    done = Event()
    with ThreadPoolExecutor(1) as thread:
        loop = thread.submit(run_safe_loop, "source", done.set, stop=stop, pause=600.0)
        assert done.wait(60)
        began = time.monotonic()
        stop.set()
        loop.result(60)
    assert time.monotonic() - began < 60


def test_a_loop_that_is_stopped_before_it_begins_does_nothing(stop: Event) -> None:
    stop.set()
    run_safe_loop("source", pytest.fail, stop=stop)
