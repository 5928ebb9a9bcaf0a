"""Average true ranges: known before an entry needs one, kept young, asked for once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from exchanges.errors import OutcomeUnknown
from exchanges.paper.candles import CANDLE_MS, Candle, Minutes
from exchanges.paper.inprocess import FRONTS, InProcessClient
from exchanges.paper.matching import Engine
from positions.models import Position, RiskEvent
from positions.services.instruments import refresh_instruments
from positions.services.volatility import refresh_true_ranges
from tests.builders import a_strategy, a_ticker, an_account
from tests.conftest import ADDRESS
from tests.positions.services.conftest import Desk
from trailing import services
from trailing.models import TrailingStop, TrueRange
from trailing.rows import open_rows, seen_by

QUIET = (D(97_300), D(97_200), D(97_250))
WILD = (D(97_500), D(97_000), D(97_250))
PLAN = {"atr_period": 2, "atr_timeframe": "1m"}
ATR_STOP = PLAN | {"stop_loss": {"type": "atr", "multiple": 2, "percent": 1}}
ATR_TRAIL = PLAN | {"trailing": {"type": "atr", "activation_percent": 0, "multiple": 3, "max_percent": 5}}


class Asked(InProcessClient):
    """Counts the questions for candles; they fail while it is broken."""

    questions: list[tuple[Any, ...]]
    is_broken = False

    async def candles(self, *asked: Any) -> Any:
        type(self).questions.append(asked)
        if self.is_broken:
            raise OutcomeUnknown("no answer")
        return await super().candles(*asked)


@pytest.fixture
def asked() -> Iterator[type[Asked]]:
    class Fresh(Asked):
        questions: list[tuple[Any, ...]] = []

    FRONTS[ADDRESS] = lambda client: Fresh(client.engine, client.account, client._now)
    yield Fresh
    del FRONTS[ADDRESS]


def history(engine: Engine, now: datetime, *minutes: tuple[D, D, D], symbol: str = "BTCUSDT") -> None:
    """(high, low, close) of the minutes up to the one of `now`, which goes on."""
    rows = engine.minutes[symbol] = Minutes()
    this_minute = int(now.timestamp() * 1000) // CANDLE_MS * CANDLE_MS
    for back, (high, low, close) in zip(range(len(minutes), 0, -1), minutes, strict=True):
        rows.restore(Candle(this_minute - back * CANDLE_MS, close, high, low, close, D(1)))
    rows.restore(Candle(this_minute, *[engine.prices[symbol]] * 4, D(1)))


def desk_with(engine: Engine, body: dict[str, Any]) -> Desk:
    whole = {"stop_loss": {"type": "percent"}} | body
    made = Desk(engine, a_strategy(an_account(), notional=D(1000), protection=whole))
    refresh_instruments()
    a_ticker("BTCUSDT")
    return made


def row_of(position: Position) -> TrailingStop:
    return open_rows().get(pk=position.pk)


def protected(desk: Desk) -> Position:
    position = desk.filled()
    services.protect(position.pk)
    return position


@pytest.mark.django_db
def test_the_stop_of_an_entry_is_measured_by_what_was_known_before_it(engine: Engine) -> None:
    desk, now = desk_with(engine, ATR_STOP), timezone.now()
    history(engine, now, QUIET, QUIET, QUIET)
    refresh_true_ranges(now)
    row = row_of(protected(desk))
    assert row.entry_atr == 100
    assert row.stop_price == D("97050.1")  # 97250.1 - 2 x 100


@pytest.mark.django_db
def test_unknown_the_percent_counts_and_one_warning_is_written(engine: Engine) -> None:
    desk, now = desk_with(engine, ATR_STOP), timezone.now()
    history(engine, now, QUIET)
    refresh_true_ranges(now)
    position = protected(desk)
    assert row_of(position).stop_price == D("96277.5")  # one percent
    for _ in range(2):
        refresh_true_ranges(now)
    [warning] = RiskEvent.objects.filter(event_type="true_range_unknown")
    assert (warning.position_id, warning.details["timeframe"]) == (str(position.pk), "1m")


@pytest.mark.django_db
def test_the_first_one_known_later_counts_as_the_one_at_entry_and_loosens_nothing(engine: Engine) -> None:
    desk, now = desk_with(engine, ATR_STOP), timezone.now()
    history(engine, now, QUIET)
    refresh_true_ranges(now)
    position = protected(desk)
    later = now + timedelta(minutes=3)
    history(engine, later, WILD, WILD, WILD, WILD)
    refresh_true_ranges(later)
    row = row_of(position)
    assert (row.entry_atr, row.atr) == (500, 500)
    services.advance(position.pk, D(97_250), later)
    assert row_of(position).stop_price == D("96277.5")  # 97250.1 - 2 x 500 would be further away


@pytest.mark.django_db
def test_a_trailing_stop_follows_the_newest_one(engine: Engine) -> None:
    desk, now = desk_with(engine, ATR_TRAIL), timezone.now()
    history(engine, now, WILD, WILD, WILD)
    refresh_true_ranges(now)
    position = protected(desk)
    services.advance(position.pk, D(98_000), timezone.now())
    assert row_of(position).stop_price == D(96_500)  # 98000 - 3 x 500
    later = now + timedelta(minutes=1)
    history(engine, later, WILD, WILD, WILD, QUIET)
    refresh_true_ranges(later)
    row = row_of(position)
    assert (row.entry_atr, row.atr, seen_by(row, D(98_000), later).atr) == (500, 300, 300)
    services.advance(position.pk, D(98_000), later)
    assert row_of(position).stop_price == D(97_100)


@pytest.mark.django_db
def test_one_question_serves_every_position_of_a_contract_until_the_next_candle(
    engine: Engine, asked: type[Asked]
) -> None:
    now = timezone.now()
    history(engine, now, QUIET, QUIET, QUIET)
    for body in (ATR_STOP, ATR_TRAIL, ATR_STOP | {"atr_period": 3}):
        protected(desk_with(engine, body))
    for _ in range(3):
        refresh_true_ranges(now)
    assert len(asked.questions) == 1
    assert {one.period: one.value for one in TrueRange.objects.all()} == {2: 100, 3: None}
    later = now + timedelta(minutes=1)
    history(engine, later, QUIET, QUIET, QUIET, QUIET)
    refresh_true_ranges(later)
    assert len(asked.questions) == 2
    assert {one.period: one.value for one in TrueRange.objects.all()} == {2: 100, 3: 100}


@pytest.mark.django_db
def test_plans_without_it_ask_for_nothing(engine: Engine, asked: type[Asked]) -> None:
    protected(desk_with(engine, {}))
    refresh_true_ranges(timezone.now())
    assert not asked.questions


@pytest.mark.django_db
def test_a_question_without_answer_keeps_what_was_known_and_is_asked_again(
    engine: Engine, asked: type[Asked]
) -> None:
    desk, now = desk_with(engine, ATR_TRAIL), timezone.now()
    history(engine, now, QUIET, QUIET, QUIET)
    refresh_true_ranges(now)
    position = protected(desk)
    refresh_true_ranges(now)
    later = now + timedelta(minutes=1)
    history(engine, later, QUIET, QUIET, QUIET, WILD)
    asked.is_broken = True
    refresh_true_ranges(later)
    assert row_of(position).atr == 100
    asked.is_broken = False
    refresh_true_ranges(later)
    assert row_of(position).atr == 300


@pytest.mark.django_db
def test_a_candle_that_goes_on_does_not_count(engine: Engine) -> None:
    desk_with(engine, ATR_STOP)
    now = timezone.now()
    history(engine, now, QUIET, QUIET, QUIET)
    engine.set_price("BTCUSDT", D(120_000), int(now.timestamp() * 1000))
    refresh_true_ranges(now)
    assert TrueRange.objects.get().value == 100


@pytest.mark.django_db
def test_an_old_one_measures_no_entry(engine: Engine) -> None:
    desk, now = desk_with(engine, ATR_STOP), timezone.now()
    history(engine, now, QUIET, QUIET, QUIET)
    refresh_true_ranges(now)
    TrueRange.objects.update(ended_at=now - timedelta(minutes=5))
    row = row_of(protected(desk))
    assert (row.entry_atr, row.stop_price) == (None, D("96277.5"))
