"""Forecasts become signals through the one intake: once, while they are young, or their row says why not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import OperationalError

from exchanges.models import ExchangeAccount
from exchanges.paper.matching import Engine
from exchanges.types import PositionSide
from positions.models import Position
from positions.services.instruments import refresh_instruments
from signals_app.forecast_models import Forecast, ForecastFeed, ForecastRun
from signals_app.forecasts import answering, asking
from signals_app.forecasts.services import sending
from signals_app.forecasts.services.forecasting import make_forecasts
from signals_app.models import SignalAttempt, SignalLog, SignalSender, StrategySignal
from signals_app.registry import load
from signals_app.tokens import token_hash
from tests.builders import a_strategy, a_ticker, an_account
from tests.forecasts.ground import (
    QUARTER,
    a_built_model,
    a_feed,
    a_model_row,
    candles,
    drifting,
    just_after_close,
    store,
)
from trailing.volatility import last_close

pytestmark = pytest.mark.django_db
OLDEST = timedelta(minutes=30)  # older than any candle of these tests can be while they run


@pytest.fixture(autouse=True)
def _nothing_remembered(settings) -> Iterator[None]:
    settings.MAX_SIGNAL_AGE = OLDEST
    asking.deadline = answering.deadline = asking.Deadline()
    yield
    asking.models.forget()
    answering.remembered.forget()


@pytest.fixture
def now() -> datetime:
    return just_after_close()


@pytest.fixture
def account(engine: Engine) -> ExchangeAccount:
    """With a strategy that listens to both phrases."""
    made = an_account()
    refresh_instruments()
    follows(made)
    return made


def follows(account: ExchangeAccount, **values: object) -> None:
    strategy = a_strategy(account, notional=D(500), **values)
    for side in ("long", "short"):
        StrategySignal.objects.create(strategy=strategy, phrase=f"FORECAST {side.upper()}", direction=side)


def a_sending_feed(account: ExchangeAccount, now: datetime, **values: object) -> ForecastFeed:
    for symbol in store(account, candles(), last_close(QUARTER, now)):
        a_ticker(symbol)
    return a_feed(account, **{"sends_signals": True, **values})


def forecast(feed: ForecastFeed, now: datetime) -> list[Forecast]:
    assert make_forecasts(feed, now) is not None
    return forecasts()


def forecasts() -> list[Forecast]:
    return list(Forecast.objects.select_related("instrument", "signal", "run").order_by("pk"))


def send(now: datetime) -> int:
    return sending.send_waiting(now, load())


def test_a_model_s_forecast_opens_a_position_like_any_signal(
    account: ExchangeAccount, now, counted: list[str]
) -> None:
    a_model_row()
    feed = a_sending_feed(account, now)
    assert all(one.send_until == last_close(QUARTER, now) + OLDEST for one in forecast(feed, now))
    assert send(now) == 2
    assert counted == ["forecast", "forecast"]
    for one in forecasts():
        log = one.signal
        assert (one.reason, one.send_until, log.source, log.message) == (
            "",
            None,
            "forecast",
            "FORECAST LONG",
        )
        assert (log.symbol, log.bar_time) == (one.instrument.exchange_symbol, one.run.candle_ended_at)
        assert D(log.details["strength"]) == (100 * one.confidence).quantize(D("0.01"))
        assert D(log.details["stop_loss_percent"]) == one.stop_percent
        assert D(log.details["entry_price"]) == one.price
        assert D(log.details["take_profit_price"]) > one.price
        assert log.details["exchange"] == account.venue
        position = Position.objects.get(pk=log.entries.get().position_id)
        assert position.position_side == PositionSide.LONG
        assert D(position.plan.body["stop_loss"]["percent"]) == one.stop_percent


def test_a_short_one_says_the_other_phrase_and_wants_the_price_to_fall(account: ExchangeAccount, now) -> None:
    a_model_row(a_built_model((0.0, 1.5, 0.0)))
    forecast(a_sending_feed(account, now), now)
    send(now)
    one = forecasts()[0]
    assert one.direction == "short"
    assert one.signal.message == "FORECAST SHORT"
    assert D(one.signal.details["take_profit_price"]) < one.price
    assert set(Position.objects.values_list("position_side", flat=True)) == {"short"}


@pytest.mark.parametrize(
    ("model", "said", "reason"),
    [
        (a_built_model, {"sends_signals": False}, "signals are switched off"),
        (lambda: a_built_model((0.0, 0.0, 2.0)), {}, "no side has 2 horizons and more than the other"),
        (
            lambda: a_built_model((0.2, 0.0, 0.0)),
            {"profile": "conservative"},
            "is below 0.50",
        ),
    ],
)
def test_what_is_not_sent_says_why(account: ExchangeAccount, now, model, said, reason: str) -> None:
    a_model_row(model())
    told = forecast(a_sending_feed(account, now, **said), now)
    assert all(one.reason.endswith(reason) for one in told)
    assert (send(now), SignalLog.objects.count()) == (0, 0)
    assert all(one.send_until is None and one.signal is None for one in forecasts())


def test_the_simple_rules_send_only_where_they_may(account: ExchangeAccount, now) -> None:
    for symbol in store(account, drifting(contracts=4, seed=3), last_close(QUARTER, now)):
        a_ticker(symbol)
    feed = a_feed(account, sends_signals=True)
    passed = [
        one for one in forecast(feed, now) if one.reason == "signals of the simple rules are switched off"
    ]
    assert passed
    assert send(now) == 0
    ForecastRun.objects.all().delete()
    ForecastFeed.objects.update(sends_fallback=True)
    feed.refresh_from_db()
    forecast(feed, now)
    assert send(now) == len(passed)
    assert all(one.confidence <= D("0.37") for one in forecasts() if one.signal)


def test_sent_again_by_a_second_worker_or_after_a_restart_it_is_one_signal(
    account: ExchangeAccount, now
) -> None:
    """Killed between the intake and the row: the ledger knows, and not even a repeat is noted."""
    a_model_row()
    forecast(a_sending_feed(account, now), now)
    send(now)
    logs = {one.pk: one.signal_id for one in forecasts()}
    Forecast.objects.update(send_until=last_close(QUARTER, now) + OLDEST, signal=None)
    assert send(now) == 0
    assert {one.pk: one.signal_id for one in forecasts()} == logs
    assert (SignalLog.objects.count(), SignalAttempt.objects.count(), Position.objects.count()) == (2, 0, 2)


def test_it_is_the_same_signal_though_its_phrase_was_changed_meanwhile(account: ExchangeAccount, now) -> None:
    a_model_row()
    forecast(a_sending_feed(account, now), now)
    send(now)
    Forecast.objects.update(send_until=last_close(QUARTER, now) + OLDEST, signal=None)
    ForecastFeed.objects.update(long_phrase="UP IT GOES")
    assert (send(now), SignalLog.objects.count()) == (0, 2)
    assert all(one.signal for one in forecasts())


def test_killed_before_the_intake_it_is_sent_after_the_restart(
    account: ExchangeAccount, now, monkeypatch
) -> None:
    a_model_row()
    forecast(a_sending_feed(account, now), now)

    def away(*of: object) -> None:
        raise OperationalError("the connection is closed")

    with monkeypatch.context() as broken:
        broken.setattr(sending, "receive_all_read", away)
        with pytest.raises(OperationalError):
            send(now)
    assert all(one.send_until for one in forecasts())
    assert send(now + timedelta(seconds=30)) == 2
    assert all(one.signal for one in forecasts())


def test_after_too_long_a_pause_it_says_that_it_was_too_late(account: ExchangeAccount, now) -> None:
    a_model_row()
    forecast(a_sending_feed(account, now), now)
    assert send(last_close(QUARTER, now) + OLDEST + timedelta(seconds=1)) == 0
    assert {one.reason for one in forecasts()} == {sending.TOO_LATE}
    assert (send(now), SignalLog.objects.count()) == (0, 0)


def test_one_that_was_sent_is_not_called_too_late(account: ExchangeAccount, now) -> None:
    a_model_row()
    forecast(a_sending_feed(account, now), now)
    send(now)
    Forecast.objects.update(send_until=last_close(QUARTER, now), signal=None)
    send(now)
    assert {one.reason for one in forecasts()} == {""}
    assert all(one.signal for one in forecasts())


def test_what_was_switched_off_meanwhile_is_not_sent(account: ExchangeAccount, now, settings) -> None:
    a_model_row()
    feed = a_sending_feed(account, now)
    forecast(feed, now)
    ForecastFeed.objects.update(sends_signals=False)
    assert send(now) == 0
    assert {one.reason for one in forecasts()} == {sending.SWITCHED_OFF}
    ForecastRun.objects.all().delete()
    ForecastFeed.objects.update(sends_signals=True)
    feed.refresh_from_db()
    forecast(feed, now)
    settings.DRY_RUN = False
    assert send(now) == 0
    assert {one.reason for one in forecasts()} == {
        "it was made of paper candles, and orders go to real exchanges now"
    }
    assert not SignalLog.objects.exists()


def test_two_accounts_of_one_venue_say_it_once(account: ExchangeAccount, now) -> None:
    a_model_row()
    other = an_account()
    for feed in (a_sending_feed(account, now), a_sending_feed(other, now)):
        make_forecasts(feed, now)
    send(now)
    assert SignalLog.objects.count() == 2
    assert len({one.signal_id for one in forecasts()}) == 2
    assert len(forecasts()) == 4
    assert Position.objects.count() == 2


def test_the_owner_rules_over_them_as_over_any_sender(account: ExchangeAccount, now) -> None:
    """A sender's row by the name forecast: switched off, or with an age of its own."""
    row = SignalSender.objects.create(name="forecast", token_hash=token_hash("x" * 40), max_age_seconds=120)
    a_model_row()
    feed = a_sending_feed(account, now)
    told = forecast(feed, now)
    assert {one.send_until for one in told} == {last_close(QUARTER, now) + timedelta(seconds=120)}
    SignalSender.objects.filter(pk=row.pk).update(enabled=False)
    send(now)
    assert {one.signal.reason for one in forecasts()} == {"sender forecast is switched off"}
    assert not Position.objects.exists()


def test_a_strategy_s_least_confidence_is_asked_of_forecasts_too(engine: Engine, now) -> None:
    account = an_account()
    refresh_instruments()
    follows(account, min_confidence=D(90))
    a_model_row()
    forecast(a_sending_feed(account, now), now)
    send(now)
    entry = forecasts()[0].signal.entries.get()
    assert (entry.status, entry.reason_code) == ("skipped", "low_confidence")
    assert not Position.objects.exists()
