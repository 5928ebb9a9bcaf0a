"""How good forecasts were: reckoned by hand, and whatever is said."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.forecasts.hindsight import (
    COST,
    Case,
    apart,
    calibration,
    calibration_error,
    records,
    wilson,
)
from signals_app.forecasts.origins import origin_of, rank
from signals_app.forecasts.plots import dots, lengths, path, pieces
from signals_app.forecasts.said import Said, came_of, kept, said_of
from signals_app.forecasts.terms import HORIZONS, Direction

UP = Said(D("0.6"), D("0.1"), D("0.3"), D("0.01"), D("0.0014"))
DOWN = Said(D("0.1"), D("0.6"), D("0.3"), D("-0.01"), D("0.0014"))
NEITHER = Said(D("0.2"), D("0.2"), D("0.6"), D("0"), D("0.0014"))


def a_case(
    said: Said = UP, came: str = "0.02", at: int = 0, horizon: str = "15m", contract: str = "BTC"
) -> Case:
    return Case(contract, "model", horizon, at, said, D(came))


def test_a_row_is_read_as_it_was_kept_whatever_order_its_database_gives() -> None:
    told = {name: kept(0.6, 0.1, 0.3, 0.01) for name in reversed(HORIZONS)}
    assert list(said_of(told)) == list(HORIZONS)
    assert said_of(told)["1h"] == UP
    assert came_of({"12h": None, "1h": 0.01}) == {"1h": D("0.01")}


def test_the_order_of_three_answers_is_never_turned_round() -> None:
    assert (UP.direction, DOWN.direction, NEITHER.direction) == tuple(Direction)
    assert (a_case(UP).side, a_case(DOWN).side, a_case(NEITHER).side) == (1, -1, 0)
    assert [a_case(said, "0.02").is_hit for said in (UP, DOWN, NEITHER)] == [True, False, False]


def test_what_following_a_call_brought_has_its_costs_paid() -> None:
    assert round(a_case(UP, "0.02").net, 6) == round(D("0.02").exp() - 1 - COST, 6)
    assert round(a_case(DOWN, "0.02").net, 6) == round(1 - D("0.02").exp() - COST, 6)
    assert a_case(NEITHER).net == 0
    assert a_case(DOWN).expected > 0


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        (5, 10, "0.2366", "0.7634"),
        (0, 10, "0", "0.2775"),
        (10, 10, "0.7225", "1"),
        (520, 1000, "0.4890", "0.5508"),
    ],
)
def test_wilsons_interval(hits: int, count: int, low: str, high: str) -> None:
    assert [round(one, 4) for one in wilson(hits, count)] == [D(low), D(high)]


@given(st.integers(1, 10**6), st.data())
def test_an_interval_holds_its_share_and_stays_within_what_can_be(count: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, count))
    low, high = wilson(hits, count)
    assert 0 <= low <= D(hits) / count <= high <= 1


def test_neighbours_in_time_are_not_counted_again_as_if_they_knew_nothing_of_each_other() -> None:
    hour = [a_case(at=900 * number, horizon="1h") for number in range(9)]
    assert [one.at for one in apart(hour)] == [0, 3600, 7200]
    other = a_case(at=900, horizon="1h", contract="ETH")
    assert len(apart([*hour, other])) == 4
    (record,) = records(hour)
    assert (record.calls.count, record.apart.count) == (9, 3)


def test_a_coin_is_not_beaten_by_a_few_hits() -> None:
    few = [a_case(at=900 * number) for number in range(3)]
    many = [a_case(at=900 * number) for number in range(30)]
    assert [one.beats_a_coin for one in (*records(few), *records(many))] == [False, True]
    (none,) = records([a_case(NEITHER)])
    assert (none.calls.rate, none.calls.interval, none.net, none.beats_a_coin) == (None, None, None, False)


def test_what_is_said_is_held_against_what_came_true() -> None:
    cases = [a_case(UP, "0.02"), a_case(UP, "-0.02"), a_case(UP, "0.001")]
    bins = {str(one.said): one.came for one in calibration(cases)}
    assert {said: (one.hits, one.count) for said, one in bins.items()} == {
        "0.1": (1, 3), "0.3": (1, 3), "0.6": (1, 3),
    }  # fmt: skip
    assert round(calibration_error(calibration(cases)) or D(0), 3) == D("0.178")
    assert calibration_error([]) is None


def test_records_stand_in_the_order_of_their_horizons() -> None:
    found = records([a_case(horizon=name) for name in ("12h", "15m", "4h", "1h")])
    assert [one.horizon for one in found] == ["15m", "1h", "4h", "12h"]


def test_shapes_stay_in_their_box() -> None:
    assert [(one.tone, one.x, one.width) for one in pieces(UP)] == [
        ("up", 0, 60), ("rest", 60, 30), ("down", 90, 10),
    ]  # fmt: skip
    found = dots(calibration([a_case(UP, "0.02"), a_case(DOWN, "0.02")]))
    assert all(0 <= place <= 100 for one in found for place in (one.x, one.y, one.low, one.high))
    assert path(found).startswith("M10.0 ")
    assert lengths([D("0.2"), D("0.1")]) == [100, 50]
    assert lengths([D(0)]) == [0]


def test_who_gave_a_signal_is_named() -> None:
    told = [
        ("forecast", "model"),
        ("forecast", "fallback"),
        ("webhook:tv", None),
        ("server", None),
        (None, None),
    ]
    names = [origin_of(door, source) for door, source in told]
    assert names == ["forecast model", "fallback rules", "webhook", "signal server", "by hand or found"]
    assert sorted(names[2:] + names[:2], key=rank) == names
