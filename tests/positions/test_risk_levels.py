from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from positions.risk_levels import Level, Levels, level_at, remembered

LEVELS = Levels()


@pytest.mark.parametrize(
    ("used", "level"),
    [("59.99", "NONE"), ("60", "WARN"), ("79.99", "WARN"), ("80", "REDUCE"), ("95", "HALT"), ("400", "HALT")],
)
def test_a_level_begins_at_its_percentage(used: str, level: str) -> None:
    assert level_at(D(used), LEVELS) is Level[level]


def test_a_level_of_zero_is_off() -> None:
    assert level_at(D(99), Levels(D(60), D(0), D(0))) is Level.WARN
    assert level_at(D(99), Levels(D(0), D(0), D(0))) is Level.NONE


def test_a_figure_that_wavers_around_a_level_is_news_once() -> None:
    known, told = Level.NONE, 0
    for used in (59, 60, 59, 61, 55, 60, 80, 79, 81):
        before, known = known, remembered(known, D(used), LEVELS)
        told += known > before
    assert told == 2


def test_it_is_news_again_after_it_was_clearly_below() -> None:
    assert remembered(Level.HALT, D(54), LEVELS) is Level.HALT
    assert remembered(Level.HALT, D("53.99"), LEVELS) is Level.NONE


@given(st.sampled_from(Level), st.decimals(0, 300, places=2), st.decimals(0, 300, places=2))
def test_more_use_is_never_a_lower_level(known: Level, used: D, more: D) -> None:
    assert remembered(known, used + more, LEVELS) >= remembered(known, used, LEVELS)
