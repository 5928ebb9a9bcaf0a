"""What the market process watches, read from rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.models import Instrument
from positions.models import Position
from positions.services.plans import kept
from tests.builders import a_position, a_trailing_stop
from trailing.bands import OpenBands, Watched
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan
from trailing.rules import AgeLimit, AtrTrail
from trailing.thresholds import Band

# a change is a commit
pytestmark = pytest.mark.django_db(transaction=True)

BTC = "binance", "BTC/USDT:USDT"


@pytest.fixture
def bands() -> OpenBands:
    return OpenBands()


@pytest.fixture
def armed() -> Position:
    return a_trailing_stop(a_position("BTC"), stop_price=D("95305.3")).position


def test_bands_of_open_and_armed_positions_are_loaded(bands: OpenBands, armed: Position) -> None:
    a_trailing_stop(a_position("ETH"), entry_price=None)
    a_trailing_stop(a_position("SOL", status="opening"))
    a_trailing_stop(a_position("XRP", status="closing"))
    assert bands.load() == {armed.pk: Watched(BTC, Band(D("95305.3"), D("98709.156")))}


def test_many_positions_without_news_cost_one_question(
    bands: OpenBands, armed: Position, django_assert_num_queries
) -> None:
    for base in ("ETH", "SOL", "XRP"):
        a_trailing_stop(a_position(base), stop_price=D("95305.3"))
    OpenBands().load()  # a plan is read once
    with django_assert_num_queries(2):
        first = bands.load()
    with django_assert_num_queries(1):
        again = bands.load()
    assert len(first) == 4
    assert all(again[key] is one for key, one in first.items())


def the_stop_moves() -> None:
    TrailingStop.objects.update(stop_price=D(96000))


def the_plan_changes() -> None:
    Position.objects.update(plan=kept(ProtectionPlan.plain("2", "1.0", "0.5")))


def the_contract_is_renamed() -> None:
    Instrument.objects.update(symbol="XBT/USDT:USDT")


@pytest.mark.parametrize("change", [the_stop_moves, the_plan_changes, the_contract_is_renamed])
def test_a_change_is_seen_at_the_next_load(
    bands: OpenBands, armed: Position, change: Callable[[], None]
) -> None:
    before = bands.load()
    change()
    after = bands.load()
    assert after == OpenBands().load()
    assert before[armed.pk] != after[armed.pk]


def test_a_new_true_range_moves_the_band_of_a_trailing_stop(bands: OpenBands) -> None:
    position = a_position("BTC", plan=kept(ProtectionPlan(trailing=AtrTrail())))
    levels = {"stop_price": D(98000), "high_water_mark": D(99000), "entry_atr": D(500), "atr": D(640)}
    a_trailing_stop(position, state="active", stop_reason="trailing", **levels)
    before = bands.load()[position.pk].band
    TrailingStop.objects.update(atr=D(650))
    after = bands.load()[position.pk].band
    assert (after.lower, OpenBands().load()[position.pk].band) == (before.lower, after)
    assert after.upper > before.upper


def test_a_position_that_is_armed_later_is_watched_then(bands: OpenBands, armed: Position) -> None:
    TrailingStop.objects.update(entry_price=None)
    assert bands.load() == {}
    TrailingStop.objects.update(entry_price=armed.average_entry_price)
    assert bands.load().keys() == {armed.pk}


def test_a_position_that_closes_is_gone(bands: OpenBands, armed: Position) -> None:
    bands.load()
    Position.objects.update(status="closing", close_reason="manual")
    assert bands.load() == {}


HOUR = timedelta(hours=1)


def test_age_alone_moves_a_band(bands: OpenBands, time_machine) -> None:
    """Young: the trailing start is next; in grace: the entry price and two commissions; then losses that grow."""
    limit = AgeLimit(max_age_hours=D(2), grace_hours=D(3), progressive_hours=D(4))
    position = a_position("BTC", plan=kept(ProtectionPlan(age=limit)))
    a_trailing_stop(position, stop_price=D("95305.3"))
    opened, targets = timezone.now(), []
    for hours in (0, 1, "2.1", 4, "5.1", "5.2", 10, 11):
        time_machine.move_to(opened + float(hours) * HOUR, tick=False)
        assert bands.load() == OpenBands().load()
        targets.append(bands.load()[position.pk].band.upper)
    young, _, grace, _, *losses, _, _ = targets
    assert targets[:4] == [young, young, grace, grace]
    assert young > grace > losses[0] > losses[1]
    assert targets[-2:] == [D(0), D(0)]
