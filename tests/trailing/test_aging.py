from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trailing.tables import LONG, SHORT, plan_of
from trailing.aging import AgePhase, accepted_loss, age_phase, exit_target, target_lasts
from trailing.engine import Close, ExitReason, TrailingPhase, TrailingState
from trailing.protection import Seen, advance
from trailing.rules import AgeLimit

LIMIT = AgeLimit()  # 3 h, then 8 h of grace, then 20 h of growing loss
FINE = D("0.0001")


@pytest.mark.parametrize(
    ("hours", "phase"),
    [
        ("0", AgePhase.YOUNG),
        ("2.999", AgePhase.YOUNG),
        ("3", AgePhase.GRACE),
        ("11", AgePhase.GRACE),
        ("11.001", AgePhase.PROGRESSIVE),
        ("30.999", AgePhase.PROGRESSIVE),
        ("31", AgePhase.EMERGENCY),
        ("1000", AgePhase.EMERGENCY),
    ],
)
def test_the_phases_of_an_age(hours: str, phase: AgePhase) -> None:
    assert age_phase(LIMIT, D(hours)) is phase


@pytest.mark.parametrize(
    ("hours", "percent"),
    [
        ("0", "0"),
        ("1", "0.5"),
        ("10", "5"),
        ("11", "5.6"),  # 11 x 0.5, and 1 x 0.5 x 0.2
        ("15", "8"),
        ("18", "9.8"),
        ("18.3333", "9.99998"),
        ("19", "10"),  # 10.4 without the cap
        ("20", "10"),
    ],
)
def test_the_accepted_loss_grows_faster_after_ten_hours_up_to_a_cap(hours: str, percent: str) -> None:
    assert accepted_loss(LIMIT, D(hours)) == D(percent)


# age in hours, what a long and a short from 100 may leave at
TARGETS = [
    ("2.9", None, None),
    ("3", "100.2", "99.8"),  # commission of 0.1 % twice
    ("11", "100.2", "99.8"),
    ("12", "99.5", "100.5"),
    ("21", "95", "105"),
    ("26", "92", "108"),
    ("30.9", "90", "110"),
    ("31", "0", "Infinity"),
]


@pytest.mark.parametrize(("hours", "long", "short"), TARGETS)
def test_what_an_old_position_may_leave_at(hours: str, long: str | None, short: str | None) -> None:
    assert exit_target(replace(LONG, price_increment=FINE), LIMIT, D(hours)) == (long and D(long))
    assert exit_target(replace(SHORT, price_increment=FINE), LIMIT, D(hours)) == (short and D(short))


HOURS = st.integers(0, 400).map(lambda tenths: D(tenths) / 10)


@given(HOURS, HOURS)
def test_a_target_lasts_as_long_as_it_says(now: D, later: D) -> None:
    lasts = target_lasts(LIMIT, now)
    if lasts is None or later < lasts:
        assert exit_target(LONG, LIMIT, now + later) == exit_target(LONG, LIMIT, now)


@pytest.mark.parametrize(
    ("hours", "lasts"), [("1", D(2)), ("4", D(7)), ("11", D(0)), ("20", D(0)), ("31", None)]
)
def test_how_long_a_target_lasts(hours: str, lasts: D | None) -> None:
    assert target_lasts(LIMIT, D(hours)) == lasts


def test_a_coarse_tick_never_makes_the_rule_worse() -> None:
    coarse = {"price": D("100.3"), "price_increment": D("0.5")}
    long, short = replace(LONG, **coarse), replace(SHORT, **coarse)
    assert (exit_target(long, LIMIT, D(4)), exit_target(short, LIMIT, D(4))) == (D("101"), D("100"))
    assert (exit_target(long, LIMIT, D(12)), exit_target(short, LIMIT, D(12))) == (D("100"), D("100.5"))


@pytest.mark.parametrize("entry", [LONG, SHORT])
@pytest.mark.parametrize(
    ("hours", "profit", "leaves"),
    [
        ("2.9", "1", False),
        ("3", "0.2", True),
        ("3", "0.1", False),
        ("12", "-0.5", True),
        ("12", "-0.6", False),
        ("31", "-1.9", True),
    ],
)
def test_an_old_position_leaves_where_its_age_allows(entry, hours: str, profit: str, leaves: bool) -> None:
    plan = plan_of(age={})
    state = TrailingState(TrailingPhase.WAITING, None, entry.offset(D(100), D(-2)))
    verdict = advance(entry, plan, state, Seen(entry.offset(D(100), D(profit)), D(hours)))
    assert isinstance(verdict, Close) is leaves
    if leaves:
        assert (verdict.reason, verdict.state.phase) == (ExitReason.AGE, TrailingPhase.TRIGGERED)


@pytest.mark.parametrize(("while_trailing", "leaves"), [(False, False), (True, True)])
def test_a_position_that_trails_may_grow_old(while_trailing: bool, leaves: bool) -> None:
    plan = plan_of(age={"while_trailing": while_trailing})
    state = TrailingState(TrailingPhase.ACTIVE, D(102), D("101.4"))
    assert isinstance(advance(LONG, plan, state, Seen(D(102), D(31))), Close) is leaves


def test_the_stop_is_judged_before_the_age() -> None:
    verdict = advance(
        LONG, plan_of(age={}), TrailingState(TrailingPhase.WAITING, None, D(98)), Seen(D(97), D(31))
    )
    assert isinstance(verdict, Close)
    assert verdict.reason is ExitReason.STOP_LOSS
