"""Candles are asked for once, kept once, and complete as far as the exchange has any."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal as D

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from exchanges.errors import ExchangeError, NotSent, OutcomeUnknown, Refused
from exchanges.models import Instrument
from exchanges.types import Timeframe
from signals_app.forecast_models import CandleSpan, ForecastFeed, StoredCandle
from signals_app.forecasts.services import candles
from signals_app.forecasts.services.candles import (
    back_fill,
    keep_candles,
    refresh_candles,
    remove_old_candles,
)
from signals_app.forecasts.store_state import kept_for
from signals_app.forecasts.stored import instruments_of, newest_candle, stored_bars
from signals_app.forecasts.terms import HISTORY
from signals_app.models import Ticker
from tests.builders import a_ticker, an_account, an_instrument
from tests.forecasts.candle_venue import NOW, QUARTER, Past, at, candle

pytestmark = pytest.mark.django_db
DAYS = 5 * 96
both = pytest.mark.parametrize("feed", ["binance", "bybit"], indirect=True)


@pytest.fixture(autouse=True)
def pages_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candles, "MOST_PER_PAGE", 100)


def opened(feed: ForecastFeed, symbol: str = "BTCUSDT") -> list[datetime]:
    rows = StoredCandle.objects.filter(account=feed.account, instrument__exchange_symbol=symbol)
    return list(rows.order_by("opened_at").values_list("opened_at", flat=True))


def spans(feed: ForecastFeed, symbol: str = "BTCUSDT") -> list[tuple[datetime, datetime]]:
    rows = CandleSpan.objects.filter(account=feed.account, instrument__exchange_symbol=symbol)
    return list(rows.order_by("since").values_list("since", "until"))


def quarters(since: int, until: int = 0) -> list[datetime]:
    return [at(one) for one in range(since, until)]


def fill(feed: ForecastFeed, now: datetime = NOW) -> int:
    """Until nothing is left to ask for; how many pages that took."""
    for count in range(1000):
        if not back_fill(feed, now):
            return count
    pytest.fail("it never ends")


def told(past: Past, since: int = -600, until: int = 1) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        past.is_told(symbol, since, until)


@both
def test_what_forecasts_of_now_need_comes_first_and_at_once(feed: ForecastFeed, past: Past) -> None:
    told(past)
    assert refresh_candles(feed, NOW) == 0
    assert opened(feed) == opened(feed, "ETHUSDT") == quarters(-HISTORY)
    assert past.questions == {"BTCUSDT": 1, "ETHUSDT": 1}
    assert (refresh_candles(feed, NOW), past.questions.total()) == (0, 2)


def test_one_that_goes_on_is_not_kept(feed: ForecastFeed, past: Past) -> None:
    told(past)
    refresh_candles(feed, NOW)
    assert opened(feed)[-1] == at(-1)
    refresh_candles(feed, NOW + QUARTER.length)
    assert opened(feed)[-1] == at(0)


def test_a_candle_told_late_is_waited_for(feed: ForecastFeed, past: Past) -> None:
    told(past, until=0)
    refresh_candles(feed, NOW)
    later = NOW + QUARTER.length
    assert refresh_candles(feed, later) == 2
    told(past, until=1)
    assert refresh_candles(feed, later) == 0
    assert opened(feed)[-1] == at(0)


def test_the_numbers_of_the_last_one_are_heard_once_more(feed: ForecastFeed, past: Past) -> None:
    told(past, until=0)
    refresh_candles(feed, NOW)
    told(past, until=2)
    past.rows["BTCUSDT"] = [
        replace(row, high=D(2000)) if row.at == at(-1) else row for row in past.rows["BTCUSDT"]
    ]
    refresh_candles(feed, NOW + QUARTER.length)
    assert StoredCandle.objects.get(instrument__exchange_symbol="BTCUSDT", opened_at=at(-1)).high == 2000


@both
def test_older_ones_come_page_by_page(feed: ForecastFeed, past: Past) -> None:
    told(past)
    refresh_candles(feed, NOW)
    assert fill(feed) == 2 * 3  # 280 candles, a hundred at most at once
    assert opened(feed) == opened(feed, "ETHUSDT") == quarters(-DAYS)
    assert spans(feed) == [(at(-DAYS), at(0))]


def test_short_answers_leave_no_gap(feed: ForecastFeed, past: Past) -> None:
    told(past)
    past.most = 70
    while refresh_candles(feed, NOW):
        pass
    assert opened(feed) == quarters(-HISTORY)
    fill(feed)
    assert opened(feed) == quarters(-DAYS)


def test_a_time_away_is_caught_up_with_newest_first(feed: ForecastFeed, past: Past) -> None:
    told(past, until=400)
    refresh_candles(feed, NOW)
    fill(feed)
    later = NOW + 300 * QUARTER.length
    assert refresh_candles(feed, later) == 0
    assert opened(feed) == quarters(-DAYS) + quarters(100, 300)
    fill(feed, later)
    assert opened(feed) == quarters(-DAYS, 300)
    assert spans(feed) == [(at(-DAYS), at(300))]


def test_what_the_exchange_never_had_is_asked_for_once(feed: ForecastFeed, past: Past) -> None:
    told(past)
    past.forgets("BTCUSDT", -20, -10)
    past.forgets("ETHUSDT", -600, -50)  # listed since
    refresh_candles(feed, NOW)
    fill(feed)
    assert opened(feed) == quarters(-DAYS, -20) + quarters(-10)
    assert opened(feed, "ETHUSDT") == quarters(-50)
    asked = past.questions.total()
    assert (refresh_candles(feed, NOW), fill(feed), past.questions.total()) == (0, 0, asked)


def test_a_contract_that_no_longer_trades_is_asked_for_little(feed: ForecastFeed, past: Past) -> None:
    told(past)
    past.forgets("BTCUSDT", -40, 1)
    for minute in range(5):
        refresh_candles(feed, NOW + timedelta(minutes=minute))
    assert spans(feed)[-1][1] >= at(-3)
    assert past.questions["BTCUSDT"] < 8


def test_no_answer_proves_nothing(feed: ForecastFeed, past: Past) -> None:
    told(past)
    past.is_away = True
    with pytest.raises(NotSent):
        refresh_candles(feed, NOW)
    with pytest.raises(NotSent):
        back_fill(feed, NOW)
    assert not CandleSpan.objects.exists()
    past.is_away = False
    refresh_candles(feed, NOW)
    fill(feed)
    assert opened(feed) == quarters(-DAYS)


@pytest.mark.parametrize("error", [OutcomeUnknown("unreadable"), Refused("no such contract")])
def test_one_contract_holds_up_no_other(feed: ForecastFeed, past: Past, error: ExchangeError) -> None:
    told(past)
    past.broken["BTCUSDT"] = error
    assert refresh_candles(feed, NOW) == 1
    assert (opened(feed), opened(feed, "ETHUSDT")) == ([], quarters(-HISTORY))


def test_impossible_candles_are_told_of_and_stop_nothing(
    feed: ForecastFeed, past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    told(past)
    row = past.rows["BTCUSDT"][-5]
    past.rows["BTCUSDT"][-5] = replace(row, high=D(1))
    refresh_candles(feed, NOW)
    assert opened(feed) == [one for one in quarters(-HISTORY) if one != row.at]
    assert f"the candle of {row.at:%Y-%m-%d %H:%M} is not kept" in caplog.text


def test_whatever_kills_it_leaves_nothing_half_done(
    feed: ForecastFeed, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Candles are not known to be there unless they are, and the next start brings the rest."""
    told(past)
    kept, whole = [], candles._remember

    def killed(*words: object) -> None:
        kept.append(words)
        if len(kept) == 2:
            raise SystemExit
        whole(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(candles, "_remember", killed)
    with pytest.raises(SystemExit):
        refresh_candles(feed, NOW)
    assert sorted(map(len, (opened(feed), opened(feed, "ETHUSDT")))) == [0, HISTORY]
    monkeypatch.undo()
    refresh_candles(feed, NOW)
    assert opened(feed) == opened(feed, "ETHUSDT") == quarters(-HISTORY)


def test_no_request_is_made_inside_a_transaction(
    feed: ForecastFeed, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(past)
    depths, ask = [], candles.answers
    outside = len(transaction.get_connection().savepoint_ids)

    def watched(*words: object) -> object:
        for answer in ask(*words):  # type: ignore[arg-type]
            depths.append(len(transaction.get_connection().savepoint_ids))
            yield answer

    monkeypatch.setattr(candles, "answers", watched)
    refresh_candles(feed, NOW)
    back_fill(feed, NOW)
    assert set(depths) == {outside}


def test_old_ones_are_removed_and_not_asked_for_again(feed: ForecastFeed, past: Past) -> None:
    told(past, until=200)
    refresh_candles(feed, NOW)
    fill(feed)
    later = NOW + 96 * QUARTER.length
    refresh_candles(feed, later)
    assert remove_old_candles(feed, later) == 2 * 96
    assert remove_old_candles(feed, later) == 0
    assert opened(feed) == quarters(-DAYS + 96, 96)
    assert (spans(feed), fill(feed, later)) == ([(at(-DAYS + 96), at(96))], 0)


def test_another_length_of_candle_is_another_store(feed: ForecastFeed, past: Past) -> None:
    """What was kept of the first one goes by its age."""
    told(past)
    refresh_candles(feed, NOW)
    feed.timeframe = Timeframe.HOUR
    assert stored_bars(feed.account, Timeframe.HOUR, of_paper=True) is None
    assert remove_old_candles(feed, NOW + timedelta(days=10)) == 2 * HISTORY
    assert not CandleSpan.objects.exists()


def test_paper_and_real_candles_never_mix(feed: ForecastFeed) -> None:
    btc = Instrument.objects.get(venue=feed.account.venue, exchange_symbol="BTCUSDT")
    keep_candles(feed.account, btc, QUARTER, False, [candle(-2)], now=NOW)
    keep_candles(feed.account, btc, QUARTER, True, [candle(-1)], now=NOW)
    assert newest_candle(feed.account, QUARTER, of_paper=False) == at(-2)
    assert newest_candle(feed.account, QUARTER, of_paper=True) == at(-1)


def test_only_enabled_tickers_that_the_venue_lists_are_asked_for(feed: ForecastFeed) -> None:
    a_ticker("SOLUSDT", enabled=False)
    a_ticker("NOBODYUSDT")
    an_instrument("XRP", venue="bybit" if feed.account.venue == "binance" else "binance")
    assert [one.exchange_symbol for one in instruments_of(feed)] == ["BTCUSDT", "ETHUSDT"]
    Ticker.objects.filter(symbol="ETHUSDT").update(enabled=False)
    assert [one.exchange_symbol for one in instruments_of(feed)] == ["BTCUSDT"]


@pytest.mark.parametrize("wanted", [HISTORY, 50])
def test_bars_are_the_last_ones_in_the_order_of_time(feed: ForecastFeed, past: Past, wanted: int) -> None:
    told(past)
    past.forgets("ETHUSDT", -30, -20)
    refresh_candles(feed, NOW)
    bars = stored_bars(feed.account, QUARTER, True, wanted)
    assert bars is not None
    assert bars.symbols == ("BTCUSDT", "ETHUSDT")
    assert bars.times.tolist() == [at(one).timestamp() * 1000 for one in range(-wanted, 0)]
    expected = [candle(one) for one in range(-wanted, 0)]
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(bars, name)[0].tolist() == [float(getattr(one, name)) for one in expected]
    assert np.flatnonzero(np.isnan(bars.close[1])).tolist() == list(range(wanted - 30, wanted - 20))


def test_bars_until_an_earlier_candle_and_of_chosen_contracts(feed: ForecastFeed, past: Past) -> None:
    told(past)
    refresh_candles(feed, NOW)
    eth = Instrument.objects.filter(venue=feed.account.venue, exchange_symbol="ETHUSDT")
    bars = stored_bars(feed.account, QUARTER, True, 10, until=at(-5), instruments=eth)
    assert bars is not None
    assert (bars.symbols, bars.times[-1]) == (("ETHUSDT",), at(-5).timestamp() * 1000)
    assert stored_bars(an_account(), QUARTER, True) is None


def test_the_database_refuses_what_cannot_be(feed: ForecastFeed) -> None:
    btc = Instrument.objects.filter(venue=feed.account.venue).first()
    words = {"account": feed.account, "instrument": btc, "timeframe": QUARTER, "of_paper": True}
    with pytest.raises(IntegrityError, match="candle_span_has_length"), transaction.atomic():
        CandleSpan.objects.create(**words, since=at(1), until=at(1))


def test_the_order_of_contracts_is_that_of_their_names(feed: ForecastFeed) -> None:
    of = feed.account, QUARTER, True
    listed = Instrument.objects.filter(venue=feed.account.venue).order_by("-exchange_symbol")
    for one in listed:
        keep_candles(feed.account, one, QUARTER, True, [candle(-2), candle(-1)], now=NOW)
    bars = stored_bars(*of)
    assert bars is not None
    assert list(bars.symbols) == sorted(one.exchange_symbol for one in listed)


def test_what_is_kept_and_what_lacks_can_be_seen(feed: ForecastFeed, past: Past) -> None:
    told(past)
    past.forgets("BTCUSDT", -20, -10)
    refresh_candles(feed, NOW)
    Ticker.objects.filter(symbol="ETHUSDT").update(enabled=False)
    a_ticker("SOLUSDT")
    btc, eth, sol = kept_for(feed, True, NOW)
    assert (btc.symbol, btc.candles, btc.gaps, btc.unasked) == ("BTCUSDT", HISTORY - 10, 10, DAYS - HISTORY)
    assert (btc.since, btc.until) == (at(-HISTORY), at(0))
    assert (eth.symbol, eth.candles, eth.gaps) == ("ETHUSDT", HISTORY, 0)
    assert (sol.candles, sol.since, sol.gaps, sol.unasked) == (0, None, 0, DAYS)
    assert [one.candles for one in kept_for(feed, False, NOW)] == [0, 0]
