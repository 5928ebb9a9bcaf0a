"""Once for each candle, of all contracts that have one; whoever is killed or has no model is made up for."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest
from django.db import connection, connections

from positions.models import RiskEvent
from signals_app.forecast_models import Forecast, ForecastFeed, ForecastModel, ForecastRun, StoredCandle
from signals_app.forecasts import answering, asking, reckoning
from signals_app.forecasts.bars import Floats
from signals_app.forecasts.batch import keys
from signals_app.forecasts.known_models import hash_of, model_in_use
from signals_app.forecasts.model import Answer, Model
from signals_app.forecasts.reckoned import NOT_FINITE, Reckoned
from signals_app.forecasts.services import forecasting
from signals_app.forecasts.services.forecasting import TAKEN_OVER_AFTER, make_due, make_forecasts
from tests.builders import a_ticker, an_account, an_instrument
from tests.forecasts.ground import (
    QUARTER,
    a_built_model,
    a_feed,
    a_model_row,
    candles,
    just_after_close,
    store,
)
from trailing.volatility import last_close

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    for kept in (asking.models, answering.remembered):
        kept.forget()
    asking.deadline = answering.deadline = asking.Deadline()
    yield
    asking.models.forget()
    answering.remembered.forget()


@pytest.fixture
def now():  # type: ignore[no-untyped-def]
    return just_after_close()


@pytest.fixture
def feed(now) -> ForecastFeed:
    """Of BTC and ETH, with all the candles there should be."""
    made = a_feed()
    for symbol in store(made.account, candles(), last_close(QUARTER, now)):
        a_ticker(symbol)
    return made


def made_of(feed: ForecastFeed, now) -> ForecastRun:
    run = make_forecasts(feed, now)
    assert run is not None
    return ForecastRun.objects.get(pk=run.pk)


def by_symbol(run: ForecastRun) -> dict[str, Forecast]:
    return {one.instrument.exchange_symbol: one for one in run.forecasts.select_related("instrument")}


# what a run is


def test_every_contract_is_forecast_by_the_model_in_use(feed: ForecastFeed, now) -> None:
    model = a_model_row()
    run = made_of(feed, now)
    found = by_symbol(run)
    assert (run.source, run.model, run.fallback_reason, run.contracts) == ("model", model, "", 2)
    assert run.candle_at == last_close(QUARTER, now) - QUARTER.length
    assert run.finished_at >= now
    assert set(found) == {"BTCUSDT", "ETHUSDT"}
    assert {one.direction for one in found.values()} == {"long"}
    assert all(0 < one.confidence < 1 for one in found.values())
    assert found["BTCUSDT"].horizons != found["ETHUSDT"].horizons
    newest = StoredCandle.objects.get(instrument__exchange_symbol="BTCUSDT", opened_at=run.candle_at)
    assert found["BTCUSDT"].price == newest.close
    assert set(found["BTCUSDT"].horizons["4h"]) == {"long", "short", "neutral", "return", "least"}
    assert run.identical == []


def test_the_rows_of_a_candle_are_made_once(feed: ForecastFeed, now) -> None:
    assert made_of(feed, now).contracts == 2
    assert make_forecasts(feed, now + timedelta(seconds=3)) is None
    assert make_forecasts(feed, now + timedelta(minutes=5)) is None
    assert (ForecastRun.objects.count(), Forecast.objects.count()) == (1, 2)


def test_a_model_of_real_candles_is_not_asked_about_paper_ones(feed: ForecastFeed, now) -> None:
    a_model_row(of_paper=False)
    run = made_of(feed, now)
    assert (run.of_paper, run.source, run.fallback_reason) == (True, "fallback", "no model is in use")


def test_a_contract_without_enough_candles_is_named_and_left_out(feed: ForecastFeed, now) -> None:
    a_model_row()
    young = an_instrument("SOL")
    a_ticker("SOLUSDT")
    whole = candles(contracts=3)
    last = last_close(QUARTER, now)
    StoredCandle.objects.create(
        account=feed.account, instrument=young, timeframe=QUARTER, of_paper=True,
        opened_at=last - QUARTER.length, open=190, high=191, low=189, close=190, volume=5,
    )  # fmt: skip
    assert len(whole.symbols) == 3
    run = made_of(feed, now)
    assert set(by_symbol(run)) == {"BTCUSDT", "ETHUSDT"}
    assert set(run.left_out) == {"SOLUSDT"}


def test_stragglers_are_waited_for_and_then_left_behind(feed: ForecastFeed, now, settings) -> None:
    StoredCandle.objects.filter(
        instrument__exchange_symbol="ETHUSDT", opened_at=last_close(QUARTER, now) - QUARTER.length
    ).delete()
    ended = last_close(QUARTER, now)
    assert make_forecasts(feed, ended + settings.FORECAST_WAIT - timedelta(seconds=1)) is None
    assert not ForecastRun.objects.exists()
    run = made_of(feed, ended + settings.FORECAST_WAIT)
    assert (set(by_symbol(run)), run.left_out) == ({"BTCUSDT"}, {"ETHUSDT": "its newest candle has not come"})


def test_nobody_waits_once_all_have_come(feed: ForecastFeed, now) -> None:
    assert made_of(feed, last_close(QUARTER, now) + timedelta(seconds=2)).contracts == 2


def test_where_no_candle_came_the_run_says_so_and_it_is_told_once(feed: ForecastFeed, now) -> None:
    StoredCandle.objects.all().delete()
    ended = last_close(QUARTER, now)
    assert make_forecasts(feed, ended + timedelta(seconds=60)) is None
    run = made_of(feed, ended + timedelta(seconds=130))
    assert (run.source, run.contracts, run.fallback_reason) == ("", 0, "no candles are stored")
    assert set(run.left_out) == {"BTCUSDT", "ETHUSDT"}
    made_of(feed, ended + QUARTER.length + timedelta(seconds=130))
    assert RiskEvent.objects.filter(event_type="no_forecasts").count() == 1


def test_what_could_not_be_forecast_is_forecast_once_its_past_has_come(feed: ForecastFeed, now) -> None:
    a_model_row()
    old = StoredCandle.objects.filter(opened_at__lt=now - 5 * QUARTER.length)
    kept = list(old)
    old.delete()
    first = made_of(feed, now)
    assert (first.contracts, set(first.left_out)) == (0, {"BTCUSDT", "ETHUSDT"})
    assert make_forecasts(feed, now + timedelta(seconds=3)) is None, "nothing has changed"
    StoredCandle.objects.bulk_create(kept)
    second = made_of(feed, now + timedelta(seconds=6))
    assert (second.pk, second.contracts, second.source, second.left_out) == (first.pk, 2, "model", {})
    assert make_forecasts(feed, now + timedelta(seconds=9)) is None


def test_a_contract_whose_past_comes_later_joins_those_that_were_forecast(feed: ForecastFeed, now) -> None:
    a_model_row()
    old = StoredCandle.objects.filter(
        instrument__exchange_symbol="ETHUSDT", opened_at__lt=now - 5 * QUARTER.length
    )
    kept = list(old)
    old.delete()
    first = by_symbol(made_of(feed, now))
    assert set(first) == {"BTCUSDT"}
    StoredCandle.objects.bulk_create(kept)
    second = made_of(feed, now + timedelta(seconds=6))
    both = by_symbol(second)
    assert (set(both), second.contracts, second.left_out) == ({"BTCUSDT", "ETHUSDT"}, 2, {})
    assert both["BTCUSDT"].pk == first["BTCUSDT"].pk, "what was said stays"
    assert make_forecasts(feed, now + timedelta(seconds=9)) is None


def test_a_second_look_that_fails_takes_nothing_back(feed: ForecastFeed, now, monkeypatch) -> None:
    model = a_model_row()
    run = made_of(feed, now)
    ForecastRun.objects.update(left_out={"ETHUSDT": "its newest candle has not come"})
    monkeypatch.setattr(reckoning, "answered", lambda *_: 1 / 0)
    assert make_forecasts(feed, now + timedelta(seconds=3)) is None
    run.refresh_from_db()
    assert (run.source, run.model, run.contracts, run.finished_at) == (
        "model", model, 2, now + timedelta(seconds=3),
    )  # fmt: skip
    assert make_forecasts(feed, now + timedelta(seconds=6)) is None
    run.refresh_from_db()
    assert run.started_at == now + timedelta(seconds=3), "not tried again"


def test_a_contract_that_is_no_number_is_not_reckoned_again(feed: ForecastFeed, now) -> None:
    run = made_of(feed, now)
    ForecastRun.objects.update(left_out={"ETHUSDT": NOT_FINITE}, contracts=1)
    assert make_forecasts(feed, now + timedelta(seconds=3)) is None
    run.refresh_from_db()
    assert run.started_at == now


def test_a_new_feed_is_given_time_until_its_past_has_come(feed: ForecastFeed, now) -> None:
    kept = list(StoredCandle.objects.all())
    StoredCandle.objects.all().delete()
    late = last_close(QUARTER, now) + timedelta(minutes=9)
    feed.created_at = late - timedelta(seconds=5)
    assert make_forecasts(feed, late) is None
    StoredCandle.objects.bulk_create(kept)
    assert made_of(feed, late + timedelta(seconds=3)).contracts == 2
    assert not RiskEvent.objects.filter(event_type="no_forecasts").exists()


# who makes it


def test_what_a_killed_worker_claimed_is_taken_over(feed: ForecastFeed, now) -> None:
    left = ForecastRun.objects.create(
        account=feed.account, timeframe=QUARTER, of_paper=True, started_at=now,
        candle_at=last_close(QUARTER, now) - QUARTER.length,
    )  # fmt: skip
    assert make_forecasts(feed, now + TAKEN_OVER_AFTER - timedelta(seconds=1)) is None
    run = made_of(feed, now + TAKEN_OVER_AFTER + timedelta(seconds=1))
    assert (run.pk, run.contracts, run.finished_at is not None) == (left.pk, 2, True)


def test_one_that_was_slow_and_taken_over_writes_nothing(feed: ForecastFeed, now, monkeypatch) -> None:
    """He does not know that he was taken for dead; the other's answers count."""
    reckoned, later = forecasting._reckoned, now + TAKEN_OVER_AFTER + timedelta(seconds=1)

    def slowly(feed: ForecastFeed, run: ForecastRun) -> Reckoned:
        monkeypatch.setattr(forecasting, "_reckoned", reckoned)
        assert make_forecasts(feed, later) is not None
        return reckoned(feed, run)

    monkeypatch.setattr(forecasting, "_reckoned", slowly)
    assert make_forecasts(feed, now) is None
    assert (ForecastRun.objects.get().started_at, Forecast.objects.count()) == (later, 2)


@pytest.mark.django_db(transaction=True)
def test_of_four_workers_at_once_one_makes_them(now) -> None:
    made = a_feed()
    for symbol in store(made.account, candles(), last_close(QUARTER, now)):
        a_ticker(symbol)
    together, found = threading.Barrier(4), []

    def one() -> None:
        try:
            together.wait(10)
            found.append(make_forecasts(made, now))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    connections.close_all()
    assert len([run for run in found if run is not None]) == 1
    assert (ForecastRun.objects.count(), Forecast.objects.count()) == (1, 2)


def test_a_feed_that_fails_keeps_no_other_waiting(feed: ForecastFeed, now, monkeypatch) -> None:
    other = a_feed(an_account())
    whole = forecasting.make_forecasts

    def breaks(one: ForecastFeed, at) -> ForecastRun | None:
        if one.pk == feed.pk:
            raise RuntimeError("boom")
        return whole(one, at)

    monkeypatch.setattr(forecasting, "make_forecasts", breaks)
    store(other.account, candles(), last_close(QUARTER, now))
    make_due(now)
    assert ForecastRun.objects.get().account_id == other.account_id


def test_a_feed_that_is_off_is_not_forecast(feed: ForecastFeed, now) -> None:
    ForecastFeed.objects.update(enabled=False)
    make_due(now)
    assert not ForecastRun.objects.exists()


# what is remembered


class Counted:
    """A model that counts how often it is asked, and for how many contracts."""

    def __init__(self, model: Model) -> None:
        self.model, self.asked = model, []

    def answers(self, rows: Floats) -> dict[str, Answer]:
        self.asked.append(rows.shape[0])
        return self.model.answers(rows)


def counted(row: ForecastModel) -> Counted:
    made = Counted(asking.model_of(row))
    asking.models.put(row.sha256, made)  # type: ignore[arg-type]
    return made


def test_the_same_candles_are_not_reckoned_twice(feed: ForecastFeed, now) -> None:
    model = counted(a_model_row())
    other = a_feed(an_account())
    store(other.account, candles(), last_close(QUARTER, now))
    first, second = by_symbol(made_of(feed, now)), by_symbol(made_of(other, now))
    assert model.asked == [2]
    assert {name: one.horizons for name, one in first.items()} == {
        name: one.horizons for name, one in second.items()
    }


def test_other_candles_and_other_models_are_asked_anew(feed: ForecastFeed, now) -> None:
    model = counted(a_model_row())
    made_of(feed, now)
    other = a_feed(an_account())
    store(other.account, candles(seed=2), last_close(QUARTER, now))
    made_of(other, now)
    assert model.asked == [2, 2]
    ForecastModel.objects.all().delete()
    ForecastRun.objects.all().delete()
    newer = counted(a_model_row(a_built_model((0.0, 1.5, 0.0))))
    assert {one.direction for one in by_symbol(made_of(feed, now)).values()} == {"short"}
    assert newer.asked == [2]


def test_two_symbols_never_share_an_answer(feed: ForecastFeed, now) -> None:
    """Though their candles are the same, number for number: the key says whose they are."""
    bars = candles()
    twins = np.tile(bars.close[:1], (2, 1))
    same = type(bars)(("BTCUSDT", "ETHUSDT"), bars.times, twins, twins, twins, twins, twins)
    assert len(set(keys(same, "model"))) == 2
    assert not set(keys(same, "model")) & set(keys(same, "another"))
    made_of(feed, now)


# who answers where no model can


def fallback(feed: ForecastFeed, now) -> ForecastRun:
    run = made_of(feed, now)
    assert (run.source, run.model, run.contracts) == ("fallback", None, 2)
    assert {one.source for one in run.forecasts.all()} == {"fallback"}
    assert all(0 < one.confidence <= D("0.37") for one in run.forecasts.all())
    return run


def test_without_a_model_the_rules_answer_less_sure_than_any_model_must_be(feed: ForecastFeed, now) -> None:
    assert fallback(feed, now).fallback_reason == "no model is in use"


@pytest.mark.parametrize("damage", ["corrupt", "short", "another", "text"])
def test_bytes_that_are_no_model_are_not_asked(feed: ForecastFeed, now, damage: str) -> None:
    row = a_model_row()
    whole = bytes(row.content)
    content = {
        "corrupt": whole[:200] + b"\x00" * 50 + whole[250:],
        "short": whole[:-100],
        "another": a_built_model((0.0, 0.0, 1.0)).to_bytes(),
        "text": b"cos\nsystem\n(S'true'\ntR.",
    }[damage]
    ForecastModel.objects.update(content=content)
    assert "its bytes are not those that were kept" in fallback(feed, now).fallback_reason


def test_broken_bytes_under_their_own_hash_break_nothing(feed: ForecastFeed, now) -> None:
    """Wherever they are broken: refused, or where nothing of it matters the same model still."""
    whole, rows, refused = a_built_model().to_bytes(), np.zeros((2, 266)), 0
    for place in range(60, len(whole), len(whole) // 12):
        broken = whole[:place] + bytes([whole[place] ^ 0xFF]) * 8 + whole[place + 8 :]
        row = a_model_row(content=broken, sha256=hash_of(broken), state="kept")
        try:
            assert asking.model_of(row).answers(rows).keys() == a_built_model().answers(rows).keys()
        except asking.NotAsked:
            refused += 1
    assert refused >= 10


def test_a_model_of_other_features_or_classes_is_not_asked(feed: ForecastFeed, now, monkeypatch) -> None:
    made = a_built_model()
    a_model_row(Model("0" * 16, made.forests, made.calibrations))
    assert "trained with features" in fallback(feed, now).fallback_reason
    ForecastModel.objects.all().delete()
    ForecastRun.objects.all().delete()
    monkeypatch.setattr("signals_app.forecasts.model.CLASSES", ("SHORT", "LONG", "NEUTRAL"))
    content = made.to_bytes()
    monkeypatch.undo()
    a_model_row(content=content, sha256=hash_of(content))
    assert "trained with classes" in fallback(feed, now).fallback_reason


def test_a_model_that_is_deleted_before_it_is_opened_is_not_asked(
    feed: ForecastFeed, now, monkeypatch
) -> None:
    def gone(*of: object) -> ForecastModel | None:
        row = model_in_use(*of)  # type: ignore[arg-type]
        ForecastModel.objects.all().delete()
        return row

    monkeypatch.setattr(reckoning, "model_in_use", gone)
    row = a_model_row()
    assert fallback(feed, now).fallback_reason == f"model {row.pk} was deleted"


def test_one_that_is_deleted_while_it_answers_has_answered(feed: ForecastFeed, now, monkeypatch) -> None:
    row = a_model_row()
    reckoned = forecasting._reckoned

    def then_deleted(*of: Any) -> Reckoned:
        found = reckoned(*of)
        row.delete()
        return found

    monkeypatch.setattr(forecasting, "_reckoned", then_deleted)
    run = made_of(feed, now)
    assert (run.source, run.model, run.contracts) == ("model", None, 2)


class Slow:
    """Answers when it is let to."""

    def __init__(self) -> None:
        self.may_answer, self.asked = threading.Event(), 0

    def answers(self, rows: Floats) -> dict[str, Answer]:
        self.asked += 1
        self.may_answer.wait(20)
        return {}


def test_a_slow_model_is_not_waited_for_nor_asked_again_for_this_candle(
    feed: ForecastFeed, now, settings
) -> None:
    settings.FORECAST_MODEL_SECONDS = 0.05
    row, slow = a_model_row(), Slow()
    asking.models.put(row.sha256, slow)  # type: ignore[arg-type]
    began = time.monotonic()
    assert fallback(feed, now).fallback_reason == "the model did not answer within 0.05 s"
    assert time.monotonic() - began < 5
    other = a_feed(an_account())
    store(other.account, candles(seed=3), last_close(QUARTER, now))
    assert fallback(other, now).fallback_reason == "the model was too slow for this candle before"
    store_next(other, now)
    later = now + QUARTER.length
    assert fallback(other, later).fallback_reason == "the model is still at a question from before"
    assert slow.asked == 1
    slow.may_answer.set()


def store_next(feed: ForecastFeed, now) -> None:
    """As if a quarter of an hour had gone by."""
    for one in StoredCandle.objects.filter(
        account=feed.account, opened_at=last_close(QUARTER, now) - QUARTER.length
    ):
        one.pk, one.opened_at = None, last_close(QUARTER, now)
        one.save()


def test_a_model_that_breaks_or_says_what_cannot_be_is_not_believed(feed: ForecastFeed, now) -> None:
    row = a_model_row()
    whole = asking.model_of(row)
    shares = np.full((2, 3), 1 / 3)
    said = {
        "nothing": ({}, "no horizon was answered"),
        "certainty": ({"4h": Answer(np.eye(3)[:2], np.zeros(2))}, "no probabilities"),
        "unknown": ({"4h": Answer(np.full((2, 3), np.nan), np.zeros(2))}, "no probabilities"),
        "too few": ({"4h": Answer(shares[:1], np.zeros(1))}, "not one answer for each of 2"),
        "infinite": ({"4h": Answer(shares, np.full(2, np.inf))}, "no probabilities"),
    }
    for answers, reason in said.values():
        ForecastRun.objects.all().delete()
        says = Counted(whole)
        says.answers = lambda rows, answers=answers: answers  # type: ignore[method-assign,misc]
        asking.models.put(row.sha256, says)  # type: ignore[arg-type]
        assert reason in fallback(feed, now).fallback_reason
    broken = Counted(whole)
    broken.answers = lambda rows: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    asking.models.put(row.sha256, broken)  # type: ignore[arg-type]
    ForecastRun.objects.all().delete()
    assert fallback(feed, now).fallback_reason == "the model broke when it was asked (ZeroDivisionError)"


def test_without_the_libraries_the_run_says_what_to_install(feed: ForecastFeed, now, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "signals_app.forecasts.reckoning", None)
    a_model_row()
    run = made_of(feed, now)
    assert (run.source, run.contracts) == ("", 0)
    assert "pip install 'tradingbot[ml]'" in run.fallback_reason
    assert RiskEvent.objects.get().event_type == "no_forecasts"


def test_the_owner_hears_of_a_change_once(feed: ForecastFeed, now) -> None:
    """Not that there never was a model; that there is none any more, once; and that there is one again."""
    made_of(feed, now)
    assert not RiskEvent.objects.exists()
    row = a_model_row()
    for step in range(1, 6):
        store_next(feed, now + (step - 1) * QUARTER.length)
        if step == 3:
            row.delete()
        made_of(feed, now + step * QUARTER.length)
    sources = list(ForecastRun.objects.order_by("candle_at").values_list("source", flat=True))
    assert sources == ["fallback", "model", "model", "fallback", "fallback", "fallback"]
    event = RiskEvent.objects.get()
    assert (event.event_type, event.account_id, event.details) == (
        "forecasts_by_rules",
        feed.account_id,
        {"reason": "no model is in use"},
    )


# the alarm


def test_answers_that_are_all_the_same_are_an_alarm_and_no_signals(feed: ForecastFeed, now) -> None:
    ForecastFeed.objects.update(sends_signals=True)
    feed.refresh_from_db()
    a_model_row(a_built_model(reach=0.0))
    run = made_of(feed, now)
    assert run.identical == [["BTCUSDT", "ETHUSDT"]]
    event = RiskEvent.objects.get()
    assert (event.event_type, event.risk_level, event.details["symbols"]) == (
        "forecasts_identical", "high", "BTCUSDT, ETHUSDT",
    )  # fmt: skip
    told = {name: (one.reason, one.send_until) for name, one in by_symbol(run).items()}
    assert told == {
        "BTCUSDT": ("the same answer as for ETHUSDT, number for number", None),
        "ETHUSDT": ("the same answer as for BTCUSDT, number for number", None),
    }
