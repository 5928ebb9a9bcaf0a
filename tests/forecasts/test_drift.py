"""A market that looks as it did has no drift; one that does not is named by its features."""

from __future__ import annotations

import numpy as np
import pytest

from signals_app.forecasts.drift import LEAST_ROWS, Reference, moved_most, reference, reference_of, stability
from signals_app.forecasts.forest import Unreadable
from signals_app.forecasts.terms import LARGE_DRIFT, SMALL_DRIFT

NAMES = ("calm", "moved", "still")


def rows(count: int, moved: float = 0.0, seed: int = 1) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(count, 3))
    found[:, 1] += moved
    found[:, 2] = 1.0
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def known() -> Reference:
    return reference(rows(20_000))


def test_the_same_market_has_not_moved(known: Reference) -> None:
    assert (stability(known, rows(3000, seed=2)) < SMALL_DRIFT).all()


def test_what_moved_is_named_first(known: Reference) -> None:
    index = stability(known, rows(3000, moved=1.0, seed=2))
    assert index[1] > LARGE_DRIFT
    assert next(iter(moved_most(index, NAMES))) == "moved"
    assert index[2] == pytest.approx(0)


def test_of_a_few_rows_nothing_is_said(known: Reference) -> None:
    assert np.isnan(stability(known, rows(LEAST_ROWS - 1))).all()
    assert moved_most(stability(known, rows(5)), NAMES) == {}


def test_it_is_the_same_after_a_journey_as_bytes(known: Reference) -> None:
    again = reference_of(known.to_bytes())
    assert np.array_equal(again.edges, known.edges)
    assert np.array_equal(again.shares, known.shares)


@pytest.mark.parametrize("content", [b"", b"shares", b"PK\x03\x04"])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        reference_of(content)


def test_bytes_that_are_cut_off_are_refused(known: Reference) -> None:
    with pytest.raises(Unreadable):
        reference_of(known.to_bytes()[:-40])
