from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
import redis

from exchanges import marks
from exchanges.errors import OutcomeUnknown
from exchanges.models import ExchangeAccount, Instrument
from exchanges.paper.venue import now_ms
from exchanges.types import PriceKind, PriceTick
from tests.builders import an_account, an_instrument

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VENUE = "venue-of-this-test"


@pytest.fixture
def kept(settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        yield client
        for venue in (VENUE, "binance"):
            client.delete(marks._key(venue))


@pytest.fixture
def away(settings) -> Iterator[None]:
    """A Redis address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
    marks._redis.cache_clear()
    marks._complained_at = float("-inf")
    yield
    marks._redis.cache_clear()


def keep(symbol: str, price: str, at: datetime = NOW, venue: str = VENUE) -> None:
    marks.publish_prices(venue, [(symbol, PriceTick("any", D(price), at))])


def test_a_published_price_is_found_as_it_was(kept) -> None:
    keep("BTCUSDT", "97250.12345678")
    assert marks.latest_mark(VENUE, "BTCUSDT", NOW) == D("97250.12345678")


def test_a_later_price_replaces_an_earlier_one(kept) -> None:
    keep("BTCUSDT", "1")
    keep("BTCUSDT", "2", NOW + timedelta(seconds=1))
    assert marks.latest_mark(VENUE, "BTCUSDT", NOW) == 2


def test_symbols_and_venues_are_kept_apart(kept) -> None:
    keep("BTCUSDT", "1")
    keep("ETHUSDT", "2")
    assert marks.latest_marks(VENUE, ["BTCUSDT", "ETHUSDT", "NONE"], NOW) == {"BTCUSDT": 1, "ETHUSDT": 2}
    assert marks.latest_mark("elsewhere", "BTCUSDT", NOW) is None


def test_a_price_is_young_enough_up_to_the_limit(kept, settings) -> None:
    keep("BTCUSDT", "1")
    limit = settings.MAX_PRICE_AGE
    assert marks.latest_mark(VENUE, "BTCUSDT", NOW + limit) == 1
    assert marks.latest_mark(VENUE, "BTCUSDT", NOW + limit + timedelta(milliseconds=1)) is None


@pytest.mark.parametrize("text", ["", "1", "one 1772366400000", "1 soon", "1 2 3"])
def test_what_is_no_price_is_none(kept, text: str) -> None:
    kept.hset(marks._key(VENUE), "BTCUSDT", text)
    assert marks.latest_mark(VENUE, "BTCUSDT", NOW) is None


def test_nothing_asked_or_published_needs_no_redis(away) -> None:
    marks.publish_prices(VENUE, [])
    assert marks.latest_marks(VENUE, [], NOW) == {}


def test_a_redis_that_is_away_is_told_of_once_and_prices_are_none(away, caplog) -> None:
    for _ in range(3):
        keep("BTCUSDT", "1")
        assert marks.latest_mark(VENUE, "BTCUSDT", NOW) is None
    assert caplog.text.count("prices are not in Redis now") == 1


def test_a_fresh_price_comes_from_the_cache(db, engine, kept) -> None:
    account = an_account()
    keep("BTCUSDT", "123", datetime.now(UTC), "binance")
    assert marks.fresh_mark(account.pk, "BTCUSDT") == 123


def test_a_price_that_is_not_cached_is_asked_of_the_exchange(db, engine, kept) -> None:
    account, instrument = an_account(), an_instrument("ETH")
    kept.delete(marks._key("binance"))
    keep("ETHUSDT", "1", datetime(2026, 1, 1, tzinfo=UTC), "binance")
    assert marks.fresh_mark(account.pk, instrument.exchange_symbol) == engine.prices["ETHUSDT"]


def test_an_old_price_is_none_even_from_the_exchange_itself(db, engine, kept, settings) -> None:
    kept.delete(marks._key("binance"))
    settings.MAX_PRICE_AGE = timedelta(seconds=-1)  # what is told now is too old
    an_instrument("ETH")
    assert marks.fresh_mark(an_account().pk, "ETHUSDT") is None


def test_an_unknown_contract_has_no_price(db, engine, kept) -> None:
    assert marks.fresh_mark(an_account().pk, "NOSUCHUSDT") is None


def test_an_exchange_that_does_not_answer_gives_no_price(db, kept, caplog) -> None:
    """Nobody listens at the paper exchange's address of this test run."""
    kept.delete(marks._key("binance"))
    an_instrument("BTC")
    assert marks.fresh_mark(an_account().pk, "BTCUSDT") is None
    assert "no mark price of BTCUSDT" in caplog.text


# prices of other kinds


def test_the_prices_of_a_contract_are_kept_apart_by_kind(kept) -> None:
    for number, kind in enumerate(PriceKind, 1):
        marks.publish_prices(VENUE, [("BTCUSDT", PriceTick("any", D(number), NOW, kind))])
    for number, kind in enumerate(PriceKind, 1):
        assert marks.newest_prices(VENUE, ["BTCUSDT"], kind) == {"BTCUSDT": marks.Price(D(number), NOW)}
    assert marks.latest_mark(VENUE, "BTCUSDT", NOW) == 1


def test_a_mark_price_never_stands_for_a_last_one(db, engine, kept) -> None:
    account, instrument = an_account(), an_instrument("ETH")
    keep("ETHUSDT", "1", datetime.now(UTC), "binance")
    kept.delete(marks._key("binance", PriceKind.LAST))
    engine.set_price("ETHUSDT", D(3000), now_ms(), last=D(3100))
    found = marks.fresh_price(account.pk, instrument.exchange_symbol, PriceKind.LAST)
    assert found is not None
    assert found.price == 3100


@pytest.mark.django_db
def test_an_account_that_does_not_answer_keeps_no_other_of_its_venue_waiting(kept, monkeypatch) -> None:
    an_instrument()
    silent, failing, quick, elsewhere = (an_account().pk for _ in range(4))
    ExchangeAccount.objects.filter(pk=elsewhere).update(venue="bybit")
    Instrument.objects.create(**{**vars_of(Instrument.objects.get()), "venue": "bybit"})
    answers: dict[int, Future[PriceTick]] = {pk: Future() for pk in (silent, failing, quick, elsewhere)}
    answers[failing].set_exception(OutcomeUnknown("no answer"))
    answers[quick].set_result(PriceTick("any", D(97), datetime.now(UTC)))
    answers[elsewhere].set_result(PriceTick("any", D(98), datetime.now(UTC)))
    monkeypatch.setattr(marks.session, "start", lambda account, question: answers[account.pk])
    monkeypatch.setattr(marks, "PATIENCE_SECONDS", 60.0)

    found = marks.fresh_prices((pk, "BTCUSDT", PriceKind.MARK) for pk in answers)
    assert {pk: int(price.price) for (pk, _, _), price in found.items()} == {
        silent: 97, failing: 97, quick: 97, elsewhere: 98,
    }  # fmt: skip
    assert answers[silent].cancelled(), "nobody waits for it any more"


def vars_of(instrument: Instrument) -> dict[str, object]:
    names = {one.attname for one in Instrument._meta.concrete_fields} - {"id"}
    return {name: getattr(instrument, name) for name in names}
