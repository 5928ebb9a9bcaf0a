from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trailing.tables import ENHANCED, LONG, SHORT, SPEC, plan_of
from trailing.engine import Entry
from trailing.ladder import LevelUnreachable, level_price, rungs, targets
from trailing.rules import AtrTarget, Ladder, PercentTarget, PriceTarget


def ladder(*levels: tuple[object, object]) -> Ladder:
    made = [
        {"at": at if isinstance(at, dict) else {"type": "percent", "percent": at}, "close_ratio": ratio}
        for at, ratio in levels
    ]
    return plan_of(take_profits={"levels": made}).take_profits


QUARTERS = plan_of(**ENHANCED).take_profits


def sold(entry: Entry, of: Ladder, original: str, **spec: D) -> list[tuple[int, D, D]]:
    return [
        (rung.level, rung.price, rung.quantity)
        for rung in rungs(entry, of, D(original), replace(SPEC, **spec))
    ]


def test_levels_are_parts_of_the_original_quantity() -> None:
    assert sold(LONG, QUARTERS, "8") == [(1, D(101), D(2)), (2, D(102), D(2)), (3, D(103), D(4))]
    assert sold(SHORT, QUARTERS, "8") == [(1, D(99), D(2)), (2, D(98), D(2)), (3, D(97), D(4))]


def test_each_part_is_rounded_down_and_the_last_takes_the_rest() -> None:
    assert [part for *_, part in sold(LONG, QUARTERS, "0.7")] == [D("0.1"), D("0.1"), D("0.5")]


def test_ratios_below_one_in_all_leave_a_rest_to_the_stop() -> None:
    assert sold(LONG, ladder((1, "0.3"), (2, "0.3")), "1") == [(1, D(101), D("0.3")), (2, D(102), D("0.3"))]


@pytest.mark.parametrize(
    ("original", "minimum", "expected"),
    [
        ("1.0", "0.3", [(2, "0.5"), (3, "0.5")]),  # 0.2 is too little alone: with the next
        ("1.0", "0.6", [(3, "1.0")]),
        ("0.4", "0.2", [(2, "0.2"), (3, "0.2")]),
        ("0.1", "0.1", [(3, "0.1")]),
    ],
)
def test_a_level_below_the_minimum_is_sold_with_the_next(
    original: str, minimum: str, expected: list[tuple[int, str]]
) -> None:
    made = sold(LONG, QUARTERS, original, min_quantity=D(minimum))
    assert [(level, part) for level, _, part in made] == [(level, D(part)) for level, part in expected]


def test_what_nobody_could_close_goes_with_the_level() -> None:
    assert sold(LONG, ladder((1, "0.5"), (2, "0.4")), "1.0", min_quantity=D("0.2")) == [
        (1, D(101), D("0.5")),
        (2, D(102), D("0.5")),
    ]
    assert sold(LONG, ladder((1, "0.9"), (2, "0.05")), "1.0", min_quantity=D("0.2")) == [
        (1, D(101), D("1.0"))
    ]


def test_a_level_after_the_one_that_took_everything_is_no_order_of_nothing() -> None:
    """At its own better price the second level would be worth enough: there is nothing left for it."""
    made = sold(LONG, ladder((1, "0.7"), (99, "0.2")), "10", min_notional=D(350))
    assert made == [(1, D(101), D(10))]


def test_no_level_sells_all_because_its_own_part_is_too_small() -> None:
    assert sold(LONG, ladder((1, "0.5")), "1.0", min_quantity=D("0.6")) == []


def test_a_merged_level_says_what_the_plan_wished_for() -> None:
    (rung, _last) = rungs(LONG, QUARTERS, D("1.0"), replace(SPEC, min_quantity=D("0.3")))
    assert (rung.level, rung.close_ratio) == (2, D("0.5"))


def test_the_rest_of_a_short_is_worth_enough_at_its_furthest_level() -> None:
    """0.5 at 99 is worth 49.5, but at 97 only 48.5."""
    halves = ladder((1, "0.5"), (3, "0.5"))
    assert sold(SHORT, halves, "1", min_notional=D(49)) == [(1, D(99), D(1))]
    assert len(sold(LONG, halves, "1", min_notional=D(49))) == 2


def test_a_position_too_small_for_any_level_is_left_to_its_stop() -> None:
    assert sold(LONG, QUARTERS, "0.1", min_quantity=D("0.2")) == []


@pytest.mark.parametrize(
    ("entry", "at", "price"),
    [
        (LONG, PercentTarget(percent=D("1.01")), "101.1"),
        (SHORT, PercentTarget(percent=D("1.01")), "98.9"),
        (LONG, PriceTarget(price=D("100.25")), "100.3"),
        (SHORT, PriceTarget(price=D("99.75")), "99.7"),
        (replace(LONG, atr=D(2)), AtrTarget(), "105"),
        (replace(SHORT, atr=D(2)), AtrTarget(), "95"),
    ],
)
def test_a_level_is_never_less_than_was_asked_for(entry: Entry, at: object, price: str) -> None:
    assert level_price(entry, at) == D(price)


@pytest.mark.parametrize(
    ("entry", "at", "reason"),
    [
        (LONG, PriceTarget(price=D(100)), "100 is no profit for a long from 100"),
        (SHORT, PriceTarget(price=D(101)), "101 is no profit for a short from 100"),
        (LONG, AtrTarget(), "the average true range at entry is not known"),
        (replace(SHORT, atr=D(50)), AtrTarget(), "-25.0 is no profit for a short from 100"),
    ],
)
def test_a_level_that_cannot_be_reached_is_refused(entry: Entry, at: object, reason: str) -> None:
    with pytest.raises(LevelUnreachable, match=f"^{reason}$"):
        level_price(entry, at)


def price(wished: object) -> dict[str, object]:
    return {"type": "price", "price": wished}


def test_levels_of_different_kinds_must_rise_as_prices() -> None:
    mixed = ladder((2, "0.5"), (price(101), "0.5"))
    assert targets(LONG, mixed).refused == {2: "a level at 101 cannot follow one at 102.0"}
    assert sold(LONG, mixed, "1") == [(1, D(102), D(1))], (
        "the last one that can be reached sells what is left"
    )


@pytest.mark.parametrize(
    ("entry", "passed", "ahead"),
    [(LONG, ("99", "100"), ("104", "105")), (SHORT, ("101", "100"), ("96", "95"))],
)
def test_a_level_that_cannot_be_reached_leaves_its_part_to_the_next(
    entry: Entry, passed: tuple[str, str], ahead: tuple[str, str]
) -> None:
    one, two = ahead
    mixed = ladder(
        (price(passed[0]), "0.2"), (price(passed[1]), "0.1"), (price(one), "0.3"), (price(two), "0.2")
    )
    assert list(targets(entry, mixed).refused) == [1, 2]
    assert sold(entry, mixed, "1") == [(3, D(one), D("0.6")), (4, D(two), D("0.2"))]


def test_a_ladder_out_of_reach_sells_nothing() -> None:
    assert sold(LONG, ladder((price(99), "0.5"), (price(100), "0.5")), "1") == []


PERCENTS = st.lists(st.integers(1, 100), min_size=1, max_size=6).filter(lambda ratios: sum(ratios) <= 100)


@given(
    entry=st.sampled_from([LONG, SHORT]),
    percents=PERCENTS | st.just([25, 25, 50]),
    tenths=st.integers(1, 200),
    minimum=st.integers(1, 40),
    notional=st.integers(0, 900),
)
def test_no_ladder_sells_more_than_is_held_or_leaves_what_cannot_be_traded(
    entry: Entry, percents: list[int], tenths: int, minimum: int, notional: int
) -> None:
    of = ladder(*((level, D(percent) / 100) for level, percent in enumerate(percents, 1)))
    spec = replace(SPEC, min_quantity=D(minimum) / 10, min_notional=D(notional))
    original = left = D(tenths) / 10
    made = rungs(entry, of, original, spec)
    for rung in made:
        assert rung.quantity % spec.size_increment == 0
        assert rung.quantity >= spec.min_quantity
        assert rung.quantity * rung.price >= spec.min_notional
        left -= rung.quantity
        assert left == 0 or (left >= spec.min_quantity and left * rung.price >= spec.min_notional)
    assert left >= 0
    assert [rung.level for rung in made] == sorted({rung.level for rung in made})
    if sum(percents) == 100 and made:
        assert left == 0
