from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from positions.patience import near_from

HIGHER, LOWER = "-4016 Limit price can't be higher than {}.", "-4024 Limit price can't be lower than {}."


@pytest.mark.parametrize(
    ("price", "refusal", "near"),
    [(130, HIGHER.format(110), "118.18"), (70, LOWER.format(90), "77.78")],
)
def test_an_exchange_that_names_its_limit_keeps_it_at_a_part_of_the_market(
    price: int, refusal: str, near: str
) -> None:
    """110 at 100 is 130 at 118.18."""
    assert round(near_from(D(price), D(100), refusal), 2) == D(near)


@pytest.mark.parametrize(
    "refusal", ["", "-4016 Price too far.", HIGHER.format(90), HIGHER.format(140), HIGHER.format(0)]
)
def test_half_of_the_way_where_no_limit_makes_sense(refusal: str) -> None:
    assert near_from(D(130), D(100), refusal) == 115


@given(price=st.decimals("0.01", "1000", places=2), limit=st.decimals("0", "1000", places=2))
def test_what_is_waited_for_lies_between_the_market_and_the_price(price: D, limit: D) -> None:
    near = near_from(price, D(100), HIGHER.format(limit))
    assert min(price, D(100)) <= near <= max(price, D(100))
