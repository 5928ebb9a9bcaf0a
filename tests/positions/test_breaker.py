"""An account that does not answer: noticed soon, forgotten slowly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from positions.breaker import Breaker, BreakerState, Patience, answered, compared, failed, sentence

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
RULES = Patience(failures=3, blip=timedelta(seconds=2), silence=timedelta(seconds=20), comparisons=2)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def failing(*seconds: float, begin: Breaker | None = None) -> Breaker:
    breaker = begin or Breaker()
    for second in seconds:
        breaker = failed(breaker, at(second), "no connection", RULES)
    return breaker


def test_a_row_of_failures_opens_it() -> None:
    assert failing(0, 1).state is BreakerState.CLOSED
    assert failing(0, 1, 2).state is BreakerState.OPEN


def test_many_workers_that_fail_in_one_moment_are_one_failure_seen_often() -> None:
    assert failing(0, 0.1, 0.2, 0.3, 0.4, 1.9).state is BreakerState.CLOSED


def test_two_failures_far_apart_without_an_answer_between_open_it() -> None:
    assert failing(0, 19).state is BreakerState.CLOSED
    assert failing(0, 20).state is BreakerState.OPEN


def test_one_failure_however_old_opens_nothing() -> None:
    assert failing(0).state is BreakerState.CLOSED


def test_an_answer_between_begins_the_row_anew() -> None:
    breaker = failing(20, begin=answered(failing(0, 1), at(2)))
    assert (breaker.state, breaker.failures, breaker.failing_since) == (BreakerState.CLOSED, 1, at(20))


def test_an_answer_alone_does_not_close_it() -> None:
    breaker = answered(failing(0, 1, 2), at(10))
    assert breaker.state is BreakerState.RECOVERING
    assert answered(breaker, at(11)) == breaker


def test_full_comparisons_apart_close_it() -> None:
    recovering = answered(failing(0, 1, 2), at(10))
    once = compared(recovering, at(10), RULES)
    assert (once.state, once.comparisons) == (BreakerState.RECOVERING, 1)
    assert compared(once, at(14), RULES) == once, "too soon after the first one"
    assert compared(once, at(15), RULES) == Breaker()


def test_a_comparison_asked_for_before_it_answered_again_does_not_count() -> None:
    recovering = answered(failing(0, 1, 2), at(10))
    assert compared(recovering, at(9), RULES) == recovering
    down = failing(0, 1, 2)
    assert compared(down, at(30), RULES) == down


def test_a_failure_while_it_recovers_opens_it_at_once_and_forgets_the_comparisons() -> None:
    once = compared(answered(failing(0, 1, 2), at(10)), at(10), RULES)
    again = failed(once, at(12), "cut", RULES)
    assert (again.state, again.failing_since, again.failures) == (BreakerState.OPEN, at(0), 4)
    assert compared(answered(again, at(13)), at(13), RULES).comparisons == 1


def test_what_it_says() -> None:
    assert sentence(failing(0), RULES) is None
    assert sentence(failing(0, 1, 2), RULES) == (
        "unreachable since 2026-11-21 12:00:00 UTC, 3 failures: no connection"
    )
    recovering = replace(answered(failing(0, 1, 2), at(10)), comparisons=1)
    assert "1 of 2 full comparisons agree" in str(sentence(recovering, RULES))
