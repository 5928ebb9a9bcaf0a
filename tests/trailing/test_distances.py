from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trailing.tables import LONG, SHORT, plan_of
from trailing.distances import Behind, activation_price, behind
from trailing.engine import Entry

AT_FIVE = {"leverage": 5, "atr": D(2)}


def trailed(entry: Entry, best: str, atr: str | None = None, **trail: object) -> D:
    plan = plan_of(trailing=trail)
    return behind(entry, plan.trailing, D(best), atr and D(atr)).stop_of(entry, D(best))


# trail, best price of a long, stop; best price of a short, stop
TYPES = [
    ({"type": "percent", "callback_percent": "0.5"}, "200", "199", "50", "50.25"),
    ({"type": "distance", "distance": "3.5"}, "200", "196.5", "50", "53.5"),
    ({"type": "points", "points_percent": 2}, "200", "198", "50", "52"),
    ({"type": "return_on_margin", "callback_percent": 5}, "200", "198", "50", "50.5"),
    ({"type": "steps"}, "101.9999", "101.4899005", "98.0001", "98.4901005"),
    ({"type": "steps"}, "102", "101.694", "98", "98.294"),
    ({"type": "steps"}, "103", "102.794", "97", "97.194"),
]


@pytest.mark.parametrize(("trail", "best", "stop", "lowest", "short_stop"), TYPES, ids=str)
def test_each_type_keeps_its_distance(
    trail: dict, best: str, stop: str, lowest: str, short_stop: str
) -> None:
    assert trailed(replace(LONG, **AT_FIVE), best, **trail) == D(stop)
    assert trailed(replace(SHORT, **AT_FIVE), lowest, **trail) == D(short_stop)


@pytest.mark.parametrize(
    ("atr", "percent"),
    [
        (None, "2"),  # unknown: the widest
        ("0.1", "0.3"),  # 1.5 x 0.1 of 200 is 0.075 %: not nearer than the least
        ("0.4", "0.3"),
        ("1", "0.75"),
        ("100", "2"),
    ],
)
def test_average_true_ranges_within_bounds(atr: str | None, percent: str) -> None:
    for entry in (LONG, SHORT):
        assert trailed(entry, "200", atr, type="atr") == entry.offset(D(200), -D(percent))


@pytest.mark.parametrize(
    ("at_entry", "now", "factor", "percent"),
    [
        (None, None, 1, "0.5"),
        ("2", None, 1, "0.5"),
        (None, "2", 1, "0.5"),
        ("2", "2", 1, "0.5"),
        ("2", "4", 1, "1"),
        ("2", "4", "1.5", "1.5"),
        ("2", "1", 1, "0.3"),
        ("2", "20", 1, "2"),
    ],
)
def test_the_adaptive_distance_follows_volatility_since_entry_within_bounds(
    at_entry: str | None, now: str | None, factor: object, percent: str
) -> None:
    for side in (LONG, SHORT):
        entry = replace(side, atr=at_entry and D(at_entry))
        stop = trailed(entry, "200", now, type="adaptive", volatility_factor=factor)
        assert stop == entry.offset(D(200), -D(percent))


def test_activation_is_percent_of_the_entry_into_profit() -> None:
    trail = plan_of().trailing
    assert (activation_price(LONG, trail), activation_price(SHORT, trail)) == (D("101.5"), D("98.5"))


def test_activation_on_margin_is_divided_by_the_leverage() -> None:
    trail = plan_of(
        trailing={"type": "return_on_margin", "activation_percent": 10, "callback_percent": 5}
    ).trailing
    entry = replace(LONG, leverage=5)
    assert activation_price(entry, trail) == D(102)
    assert activation_price(replace(entry, side=SHORT.side), trail) == D(98)


def test_trailing_may_start_at_the_entry_itself() -> None:
    trail = plan_of(trailing={"type": "percent", "activation_percent": 0}).trailing
    assert activation_price(LONG, trail) == D(100)


MONEY = st.decimals(D("0.01"), D(1000), places=2)
BOUND = st.decimals(D("0.01"), D(50), places=2)
DISTANCES = st.one_of(
    st.builds(Behind, amount=MONEY),
    st.builds(Behind.percent, BOUND),
    st.builds(lambda amount, one, two: Behind(amount, min(one, two), max(one, two)), MONEY, BOUND, BOUND),
)


@given(distance=DISTANCES, wished=MONEY, entry=st.sampled_from([LONG, SHORT]))
def test_the_inverse_is_the_first_best_price_that_lifts_the_stop_so_far(
    distance: Behind, wished: D, entry: Entry
) -> None:
    best = distance.best_for(entry, wished)
    grain = D("1e-15") * max(best, 1)
    beyond, before = entry.moved(best, grain), entry.moved(best, -grain)
    assert entry.has_reached(distance.stop_of(entry, beyond), wished)
    assert before <= 0 or entry.is_better(wished, distance.stop_of(entry, before))
