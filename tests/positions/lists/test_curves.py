from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from positions.lists.curves import MOST_POINTS, Scale, bars, steps

START = datetime(2026, 3, 1, tzinfo=UTC)
money = st.decimals(-(10**6), 10**6, places=2)


def test_a_win_stands_on_zero_and_a_loss_hangs_from_it() -> None:
    up, down = bars([(date(2026, 3, 1), D(30)), (date(2026, 3, 2), D(0)), (date(2026, 3, 3), D(-10))])
    assert (up.tone, up.y, up.height) == ("up", D(0), D(75))
    assert (down.tone, down.y, down.height) == ("down", D(75), D(25))
    assert up.x + up.width < down.x


@given(st.lists(money, min_size=1, max_size=40))
def test_everything_is_inside_the_box(values: list[D]) -> None:
    scale = Scale.of(values)
    assert all(0 <= scale.height(value) <= 100 for value in [*values, D(0)])
    for bar in bars([(date(2026, 3, 1) + timedelta(days=n), value) for n, value in enumerate(values)]):
        assert bar.x >= 0
        assert bar.x + bar.width <= 100
        assert bar.height > 0


def test_the_curve_steps_when_a_position_closes() -> None:
    points = [(START + timedelta(hours=6), D(10)), (START + timedelta(hours=12), D(5))]
    assert steps(points, START, START + timedelta(days=1)) == "M0 100.00H25.00V0.00H50.00V50.00H100"
    assert steps([], START, START + timedelta(days=1)) == ""


def test_a_long_curve_keeps_its_highest_and_lowest_point() -> None:
    points = [(START + timedelta(minutes=n), D(n % 7)) for n in range(5000)]
    points[1234] = (points[1234][0], D(1000))
    path = steps(points, START, START + timedelta(minutes=5000))
    assert "V0.00" in path
    assert path.count("V") <= MOST_POINTS + 3
