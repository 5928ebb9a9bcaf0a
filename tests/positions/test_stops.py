from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import PositionSide
from positions.sizing import floor_to
from positions.stops import MOST_ORDERS, StopOrder, best, shares, surplus

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def order(generation: int, left: object, trigger: object = 95, **changes: object) -> StopOrder:
    values = {
        "key": uuid4(),
        "generation": generation,
        "left": D(str(left)),
        "trigger_price": D(str(trigger)),
        "trigger_by": "mark",
        "stands": True,
        "waits": True,
        "is_on_its_way": False,
        "is_only_acknowledged": False,
        "placed_at": NOON,
    }
    return StopOrder(**values | changes)  # type: ignore[arg-type]


def coming(generation: int, left: object, trigger: object = 95) -> StopOrder:
    return order(generation, left, trigger, stands=False, waits=False, is_on_its_way=True)


def refused(held: object, *orders: StopOrder, side: PositionSide = LONG) -> set[object]:
    return {one.generation for one in surplus(side, D(str(held)), orders)}


# how much each sells


def test_what_one_order_may_sell_is_one_order() -> None:
    assert shares(D(10), None, D("0.1")) == [10]
    assert shares(D(10), D(10), D("0.1")) == [10]


def test_more_is_shared_alike() -> None:
    assert shares(D("10.1"), D(10), D("0.1")) == [D("5.1"), D(5)]
    assert shares(D(10), D("4.5"), D(1)) == [4, 3, 3]


def test_a_maximum_between_two_steps_counts_as_the_lower_one() -> None:
    assert shares(D("0.010"), D("0.0045"), D("0.001")) == [D("0.004"), D("0.003"), D("0.003")]


def test_as_many_as_the_exchange_may_take_and_no_more() -> None:
    assert shares(D(1_000_000), D(1), D(1)) == [1] * MOST_ORDERS


@given(
    steps=st.integers(1, 10**6),
    crumb=st.decimals("0", "0.9", places=1),
    most=st.decimals("0.01", "1000", places=3),
    step=st.sampled_from([D("0.001"), D("0.01"), D(1), D(10)]),
)
def test_shares_add_up_and_none_is_too_large_or_much_smaller_than_another(
    steps: int, crumb: D, most: D, step: D
) -> None:
    quantity = (steps + crumb) * step
    made = shares(quantity, most, step)
    if floor_to(most, step) > 0:
        assert max(made) <= most
        assert sum(made) == quantity or len(made) == MOST_ORDERS
    assert max(made) - min(made) <= step


# which counts


def test_orders_of_one_generation_are_one_stop() -> None:
    stop = best(LONG, D(8), [order(1, 5), order(1, 3)])
    assert stop is not None
    assert (stop.left, stop.generation) == (8, 1)
    assert refused(8, order(1, 5), order(1, 3)) == set()


def test_the_newer_one_replaces_the_older_when_all_its_orders_stand() -> None:
    older = order(1, 5), order(1, 3)
    assert refused(8, *older, order(2, 5, 96), coming(2, 3, 96)) == set()
    assert refused(8, *older, order(2, 5, 96), order(2, 3, 96)) == {1}


def test_orders_of_a_stop_that_never_became_whole_go() -> None:
    """Its other order was refused: it is none of those that have not ended."""
    assert refused(8, order(1, 5), order(1, 3), order(2, 5, 96)) == {2}


def test_where_none_is_whole_the_one_that_sells_most_is_kept() -> None:
    assert refused(10, order(1, 4), order(2, 6)) == {1}
    assert refused(10, order(1, 6), order(2, 4)) == {2}
    assert refused(10, order(1, 5), order(2, 5)) == {1}


def test_what_is_on_its_way_for_an_older_one_goes() -> None:
    assert refused(5, coming(1, 5), order(2, 5)) == {1}


def test_an_older_one_nearer_to_the_market_stays_if_it_fits() -> None:
    assert refused(5, order(1, 5, 97), order(2, 5, 95)) == {2}
    assert refused(5, order(1, 5, 97), order(2, 5, 95), side=SHORT) == {1}
    assert refused(5, order(1, 6, 97), order(2, 5, 95)) == {1}
    assert refused(5, order(1, 5, 97, waits=False), order(2, 5, 95)) == {1}
    assert refused(5, order(1, 5, 97, trigger_by="last"), order(2, 5, 95)) == {1}


def test_one_that_is_only_acknowledged_replaces_none_and_may_come() -> None:
    acknowledged = order(2, 5, 96, is_only_acknowledged=True)
    assert refused(5, acknowledged) == set()
    assert refused(5, order(1, 5), acknowledged) == set()
    assert refused(5, order(1, 5), acknowledged, order(3, 5, 97)) == {1, 2}
    assert refused(8, order(1, 8), order(2, 5, 96), order(2, 3, 96, is_only_acknowledged=True)) == set()


def test_nothing_goes_while_nothing_stands() -> None:
    assert refused(5, coming(1, 5), order(2, 5, stands=False)) == set()


@given(
    held=st.integers(1, 12),
    made=st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 8), st.integers(90, 99), st.booleans()), max_size=10
    ),
    side=st.sampled_from([LONG, SHORT]),
)
def test_what_is_called_off_never_takes_the_cover_away(
    held: int, made: list[tuple[int, int, int, bool]], side: PositionSide
) -> None:
    triggers: dict[int, int] = {}
    orders = [
        order(generation, left, triggers.setdefault(generation, trigger), is_only_acknowledged=acknowledged)
        for generation, left, trigger, acknowledged in made
    ]
    proven = [one for one in orders if not one.is_only_acknowledged]
    before = best(side, D(held), proven)
    gone = {one.key for one in surplus(side, D(held), orders)}
    after = best(side, D(held), [one for one in proven if one.key not in gone])
    assert after == before
