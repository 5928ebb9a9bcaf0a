"""The market process brings candles by itself, and waits for no exchange that is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.errors import NotSent
from exchanges.marks import latest_mark
from exchanges.types import Timeframe
from positions.services.instruments import refresh_instruments
from signals_app.forecast_models import CandleSpan, ForecastFeed, StoredCandle
from signals_app.forecasts.candle_watch import Bringer, CandleWatch
from signals_app.forecasts.spans import SETTLING, closed_until, next_look
from tests.browser.server import _environment
from tests.builders import a_ticker, an_account
from tests.forecasts.candle_venue import NOON, NOW, QUARTER, Past, at
from tests.forking import start
from tests.ops.waiting import DEADLINE_SECONDS, until
from tests.trailing.processes import PaperProcess, child, paper_process

MINUTE = Timeframe.MINUTE


def test_it_looks_soon_after_a_candle_is_over() -> None:
    assert next_look(QUARTER, 0, at(1) - timedelta(seconds=40)) == at(1) + SETTLING
    assert next_look(QUARTER, 0, NOW) == NOW + timedelta(minutes=1)
    assert next_look(QUARTER, 3, NOW) == NOW + timedelta(seconds=5)
    assert next_look(QUARTER, 3, NOON + timedelta(minutes=5)) == NOON + timedelta(minutes=6)


def test_the_newest_come_first_and_older_ones_in_between(feed: ForecastFeed, past: Past) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        past.is_told(symbol, -600)
    bringer = Bringer(feed.pk, "candles")
    assert bringer.bring(feed, NOW)
    assert past.questions.total() == 3
    assert bringer.bring(feed, NOW + timedelta(seconds=3))
    assert (past.questions.total(), StoredCandle.objects.count()) == (4, 2 * 5 * 96)
    assert not bringer.bring(feed, NOW + timedelta(seconds=6))
    assert past.questions.total() == 4


def test_without_the_newest_older_ones_are_brought_nevertheless(feed: ForecastFeed, past: Past) -> None:
    """A contract that is never answered is not all there is."""
    past.is_told("ETHUSDT", -600)
    bringer = Bringer(feed.pk, "candles")
    bringer.bring(feed, NOW)
    past.broken["BTCUSDT"] = NotSent("no")
    past.is_told("ETHUSDT", -600, 1)
    for _ in range(20):
        try:
            bringer.bring(feed, NOW)
        except NotSent:
            continue
    assert StoredCandle.objects.filter(instrument__exchange_symbol="ETHUSDT").count() == 5 * 96


@pytest.mark.django_db(transaction=True)
def test_an_exchange_that_is_away_holds_up_no_other(
    feed: ForecastFeed, past: Past, bybit_engine: object
) -> None:
    """Each feed has a thread of its own; one that is switched off ends."""
    far = an_account(venue="bybit")
    refresh_instruments()
    ForecastFeed.objects.create(account=far, timeframe=MINUTE)
    ForecastFeed.objects.filter(account=feed.account).update(timeframe=MINUTE)
    past.is_away = True
    watch = CandleWatch()
    watch.look()
    try:
        until(lambda: past.questions.total(), "a question to the one that is away")
        until(lambda: CandleSpan.objects.filter(account=far).exists(), "an answer of the other")
        assert not CandleSpan.objects.filter(account=feed.account).exists()
        ForecastFeed.objects.update(enabled=False)
    finally:
        watch.close()
        for bringer in watch._bringers.values():
            bringer.thread.join(30)
    assert not any(bringer.thread.is_alive() for bringer in watch._bringers.values())


# the process itself


@pytest.fixture
def paper(tmp_path: Path, settings, transactional_db, marks) -> Iterator[PaperProcess]:
    with paper_process(tmp_path) as process:
        settings.PAPER_EXCHANGE_URL = process.url
        yield process
        session.close_all()


@pytest.fixture
def feeds(paper: PaperProcess) -> list[ForecastFeed]:
    """Of minutes, one at each venue."""
    accounts = [an_account(venue="binance"), an_account(venue="bybit")]
    refresh_instruments()
    a_ticker("BTCUSDT")
    return [
        ForecastFeed.objects.create(account=account, timeframe=MINUTE, days_kept=3) for account in accounts
    ]


@pytest.fixture
def is_complete() -> Callable[[ForecastFeed], bool]:
    """Whether all minutes of the past that the paper exchange made up are there."""
    newest = closed_until(MINUTE, timezone.now()) - 2 * MINUTE.length
    wanted = {newest - one * MINUTE.length for one in range(290)}

    def look(feed: ForecastFeed) -> bool:
        found = StoredCandle.objects.filter(account=feed.account).values_list("opened_at", flat=True)
        return wanted <= set(found)

    return look


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "close_before"},
        pytest.param({"kind": "delay_before", "seconds": 60}, marks=pytest.mark.soak),
    ],
)
def test_trouble_with_the_candles_of_one_venue_keeps_nothing_else_waiting(
    paper: PaperProcess,
    feeds: list[ForecastFeed],
    is_complete: Callable[[ForecastFeed], bool],
    trouble: dict[str, object],
    tmp_path: Path,
) -> None:
    """Neither the other venue's candles nor a price; and the market process goes on by itself when it is over."""
    binance, bybit = feeds
    paper.hook("faults", path="/fapi/v1/klines", times=100_000, **trouble)
    with child("manage.py", "watch_market", log=tmp_path / "market-log", PAPER_EXCHANGE_URL=paper.url):
        until(lambda: is_complete(bybit), "all minutes of the other")
        paper.set_price("BTCUSDT", 97123)
        until(lambda: latest_mark("binance", "BTCUSDT", timezone.now()) == 97123, "a price meanwhile")
        assert not StoredCandle.objects.filter(account=binance.account).exists()
        paper.clear_faults()
        until(lambda: is_complete(binance), "all minutes of this one")


@pytest.mark.soak
def test_whenever_the_market_process_is_killed_the_next_one_brings_what_is_missing(
    paper: PaperProcess,
    feeds: list[ForecastFeed],
    is_complete: Callable[[ForecastFeed], bool],
    tmp_path: Path,
) -> None:
    log, environment = tmp_path / "market-log", {"PAPER_EXCHANGE_URL": paper.url}
    for written in (1, 2, 400):
        with log.open("ab") as screen:
            killed = start(["manage.py", "watch_market"], _environment() | environment, screen)
            until(lambda least=written: StoredCandle.objects.count() >= least, f"{written} candles")
            killed.kill()
            killed.wait(DEADLINE_SECONDS)
    with child("manage.py", "watch_market", log=log, **environment):
        until(lambda: all(map(is_complete, feeds)), "all minutes of both accounts")
    assert "Traceback" not in log.read_text()
