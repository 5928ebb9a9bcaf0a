"""What every model stands on: numbers of the past alone, the same in every unit, always finite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals_app.forecasts.bars import Bars
from signals_app.forecasts.features.table import FAMILIES, HISTORY, columns, features, version
from tests.forecasts.made_candles import noise

NAMES = ("open", "high", "low", "close", "volume")
TIMES = 300


@pytest.fixture(scope="module")
def bars() -> Bars:
    return noise(900, contracts=3)


def test_every_family_is_there_and_240_columns_are_left_of_real_variety(bars: Bars) -> None:
    made = features(bars)
    assert len(set(made.names)) == len(made.names) >= 260
    assert {family for family, _ in columns(bars.last(HISTORY))} == set(FAMILIES)
    rows = made.values[made.are_known()]
    varied = rows[:, rows.std(axis=0) > 1e-9]
    alike = np.triu(np.abs(np.corrcoef(varied.T)), k=1) > 0.999
    assert (~alike.any(axis=0)).sum() >= 240


def test_no_name_lacks_a_formula_and_no_window_is_longer_than_what_is_stored(bars: Bars) -> None:
    for _, column in columns(bars.last(HISTORY)):
        assert column.formula
        assert 1 <= column.window <= HISTORY, column.name


@settings(max_examples=12, deadline=None)
@given(seen=st.integers(HISTORY, TIMES - 1), times=st.floats(0.5, 2), seed=st.integers(0, 3))
def test_the_future_changes_no_feature(seen: int, times: float, seed: int) -> None:
    bars = noise(TIMES, seed=seed)
    changed = {name: getattr(bars, name).copy() for name in NAMES}
    for values in changed.values():
        values[:, seen:] *= times
    here, there = features(bars).values, features(replace(bars, **changed)).values
    assert np.array_equal(here[:, :seen], there[:, :seen], equal_nan=True)


def test_what_is_missing_later_changes_nothing_either() -> None:
    bars = noise(TIMES)
    here, there = features(bars).values, features(bars.until(TIMES - 50)).values
    assert np.array_equal(here[:, : TIMES - 50], there, equal_nan=True)


@pytest.mark.parametrize(("price", "volume"), [(1000.0, 1.0), (1e-6, 1.0), (1.0, 1e6), (0.01, 1e-3)])
def test_units_do_not_matter(bars: Bars, price: float, volume: float) -> None:
    scales = {"volume": volume}
    other = replace(bars, **{name: getattr(bars, name) * scales.get(name, price) for name in NAMES})
    here, there = features(bars).values, features(other).values
    known = features(bars).are_known()
    spread = here[known].std(axis=0) + 1e-6
    assert (np.abs(here[known] - there[known]).max(axis=0) / spread < 1e-2).all()


def test_the_stored_past_is_enough(bars: Bars) -> None:
    """The newest column of 200 candles is that of all candles, but for what averages still remember."""
    every, last = features(bars), features(bars.last(HISTORY))
    spread = every.values[every.are_known()].std(axis=0)
    away = np.abs(every.values[:, -1] - last.values[:, -1]) / (spread + 1e-9)
    assert last.are_known()[:, -1].all()
    assert dict(zip(every.names, away.max(axis=0), strict=True)) == pytest.approx(
        dict.fromkeys(every.names, 0.0), abs=0.03
    )


@pytest.mark.parametrize("kind", ["flat", "still", "one print", "spike", "no volume"])
def test_odd_markets_have_finite_features(kind: str) -> None:
    bars = _odd(kind)
    made = features(bars)
    lacking = [
        name for place, name in enumerate(made.names) if not np.isfinite(made.values[:, -1, place]).all()
    ]
    assert not lacking


def _odd(kind: str) -> Bars:
    bars = noise(HISTORY + 20)
    one = np.full_like(bars.close, 100.0)
    if kind == "flat":
        return replace(bars, open=one, high=one, low=one, close=one)
    if kind == "still":
        return replace(bars, open=one, high=one, low=one, close=one, volume=0 * one)
    if kind == "no volume":
        return replace(bars, volume=0 * one)
    changed = {name: getattr(bars, name).copy() for name in NAMES}
    changed["high"][:, -3] *= 50
    if kind == "one print":
        changed["low"][:, -3] /= 50
    return replace(bars, **changed)


@pytest.mark.parametrize("still", [30, 60, 90])
def test_a_market_that_stopped_has_forgotten_what_it_was(still: int) -> None:
    """What moving sums remember in their last digits was divided by itself: infinite features, other ones each time."""
    bars = _stopped(noise(500), still)
    every, last = features(bars), features(bars.last(HISTORY))
    spread = features(noise(500)).values[:, HISTORY:].std(axis=(0, 1)) + 1e-6
    assert every.are_known()[:, -1].all()
    away = np.abs(every.values[:, -1] - last.values[:, -1]).max(axis=0) / spread
    assert {name: far for name, far in zip(every.names, away, strict=True) if far > 0.2} == {}


def _stopped(bars: Bars, still: int) -> Bars:
    changed = {name: getattr(bars, name).copy() for name in NAMES}
    for name in NAMES:
        changed[name][:, -still:] = 0 if name == "volume" else bars.close[:, -still - 1 : -still]
    return replace(bars, **changed)


@pytest.mark.parametrize("money", [1e-9, 1.0, 1e9])
def test_money_flows_in_every_unit_and_nowhere_where_none_does(money: float) -> None:
    bars = noise(HISTORY)
    made = features(replace(bars, volume=bars.volume * money))
    usual, place = features(bars), made.names.index("mfi")
    assert made.values[:, -1, place] == pytest.approx(usual.values[:, -1, place], abs=1e-5)
    none = features(replace(bars, volume=0 * bars.volume))
    assert none.values[:, -1, place] == pytest.approx(0.5)


def test_a_missing_candle_is_no_number() -> None:
    bars = noise(HISTORY + 50)
    for name in NAMES:
        getattr(bars, name)[0, -10] = np.nan
    known = features(bars).are_known()
    assert (known[0, -1], known[1, -1]) == (False, True)


def test_the_version_is_that_of_names_order_and_length_of_candles(bars: Bars) -> None:
    assert version(bars) == version(bars.last(HISTORY)) == version(noise(HISTORY, contracts=1, seed=9))
    hourly = replace(bars, times=bars.times[0] + 3_600_000 * np.arange(len(bars.times)))
    assert version(hourly) != version(bars)


def test_each_contract_has_its_own(bars: Bars) -> None:
    newest = features(bars).values[:, -1]
    assert len({row.tobytes() for row in newest}) == len(bars.symbols)


@pytest.mark.parametrize("still", [4, 7])
def test_a_market_that_stands_still_has_features_all_the_same(still: int) -> None:
    """Sums over moving windows leave a little below zero where nothing is, and its root is no number."""
    bars = noise(HISTORY)
    names = ("open", "high", "low", "close", "volume")
    stopped = {name: getattr(bars, name).copy() for name in names}
    for values in stopped.values():
        values[:, -still:] = values[:, -still - 1 : -still]
    assert features(replace(bars, **stopped)).are_known()[:, -1].all()
