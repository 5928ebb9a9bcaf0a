from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone

from exchanges import session
from exchanges.marks import latest_mark, latest_marks
from exchanges.models import AccountBalance
from exchanges.types import PositionSide, PriceKind, PriceTick, Reference
from positions.models import ArbitragePair, Fill, Order, Position
from positions.services import orders
from positions.services.instruments import refresh_instruments
from positions.services.opening import Opened, open_position
from positions.services.plans import kept
from positions.services.proposals import Proposal
from signals_app.models import Strategy
from tests.builders import (
    a_position,
    a_strategy,
    a_ticker,
    account_of,
    an_account,
    an_instrument,
)
from tests.ops.waiting import until
from tests.trailing.processes import PaperProcess, child, paper_process, take_hints
from trailing import services, watching
from trailing.bands import Watched
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan
from trailing.thresholds import Band
from trailing.watching import HINT_AGAIN_SECONDS, PriceDesk

BTC = "BTC/USDT:USDT"
MARK = PriceKind.MARK
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tick(price: object, symbol: str = BTC, at: datetime = AT) -> PriceTick:
    return PriceTick(symbol, D(str(price)), at)


# the desk


def btc(lower: object, upper: object) -> Watched:
    return Watched(("binance", BTC), Band(D(str(lower)), D(str(upper))))


@pytest.fixture
def desk_of_prices() -> Iterator[PriceDesk]:
    take_hints()
    made = PriceDesk()
    made.watch({7: btc(98, 102)})
    yield made
    made.close()


def sent(desk: PriceDesk) -> list[list[object]]:
    """All hints, after those on the way have arrived."""
    desk._sender.submit(lambda: None).result(5)
    found = take_hints()
    assert {name for name, _ in found} <= {"trailing.tasks.advance"}
    return [arguments for _, arguments in found]


def test_prices_inside_the_band_cause_no_hint(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.take("binance", [tick(price) for price in ("98.1", 100, "101.9")])
    assert sent(desk_of_prices) == []


@pytest.mark.parametrize("price", ["98", "97.5", "102", "110"])
def test_a_price_on_or_beyond_the_band_becomes_one_hint(desk_of_prices: PriceDesk, price: str) -> None:
    desk_of_prices.take("binance", [tick(price)])
    assert sent(desk_of_prices) == [[7, price, "2026-03-01T12:00:00+00:00"]]


def test_a_hint_about_a_price_is_not_worth_much_for_long(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.take("binance", [tick(97)])
    desk_of_prices._sender.submit(lambda: None).result(5)
    with current_app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("trailing", no_ack=True)
    ends_at = datetime.fromisoformat(message.headers["expires"])
    assert timedelta(0) < ends_at - timezone.now() <= timedelta(seconds=5)


def test_prices_of_other_contracts_and_venues_concern_nobody(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.take("bybit", [tick(1)])
    desk_of_prices.take("binance", [tick(1, "ETH/USDT:USDT")])
    assert sent(desk_of_prices) == []


@pytest.mark.parametrize("own", list(PriceKind))
def test_only_the_price_that_decides_about_a_position_becomes_a_hint(
    desk_of_prices: PriceDesk, own: PriceKind
) -> None:
    desk_of_prices.watch({7: replace(btc(98, 102), kind=own)})
    for kind in PriceKind:
        desk_of_prices.take("binance", [replace(tick(97 if kind is not own else 100), kind=kind)])
    assert sent(desk_of_prices) == []
    desk_of_prices.take("binance", [replace(tick(97), kind=own)])
    assert sent(desk_of_prices) == [[7, "97", "2026-03-01T12:00:00+00:00"]]


def test_a_position_is_not_hinted_again_at_once_but_later_it_is(desk_of_prices: PriceDesk) -> None:
    first = time.monotonic()
    for _ in range(50):
        desk_of_prices.take("binance", [tick(97)])
    elapsed = time.monotonic() - first
    assert len(sent(desk_of_prices)) == 1 + int(elapsed / HINT_AGAIN_SECONDS)

    def is_hinted_again() -> bool:
        desk_of_prices.take("binance", [tick(96)])
        return bool(sent(desk_of_prices))

    until(is_hinted_again, "a second hint", 5)
    assert time.monotonic() - first >= HINT_AGAIN_SECONDS


def test_each_position_of_a_contract_has_its_own_band(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.watch({7: btc(98, 102), 8: btc(90, 99)})
    desk_of_prices.take("binance", [tick(100)])
    assert [arguments[0] for arguments in sent(desk_of_prices)] == [8]


def test_a_position_that_ended_is_forgotten(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.watch({7: btc(98, 102), 8: btc(80, 120)})
    desk_of_prices.take("binance", [tick(97)])
    desk_of_prices.watch({})
    desk_of_prices.take("binance", [tick(60)])
    assert len(sent(desk_of_prices)) == 1
    assert not desk_of_prices._crossings


def test_a_band_that_moved_away_from_the_price_waits_for_the_next(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.watch({7: btc(99, 103)})
    desk_of_prices.take("binance", [tick(102)])
    assert sent(desk_of_prices) == []
    desk_of_prices.take("binance", [tick(99)])
    assert [arguments[:2] for arguments in sent(desk_of_prices)] == [[7, "99"]]


def test_a_new_band_is_judged_by_the_price_of_before(desk_of_prices: PriceDesk) -> None:
    """A venue that tells only what changes may say nothing more for long."""
    desk_of_prices.take("binance", [tick(103)])
    desk_of_prices.watch({7: btc(98, 102)})
    desk_of_prices.watch({7: btc(98, 102)})
    assert len(sent(desk_of_prices)) == 1


def test_a_hint_that_moved_the_band_is_not_repeated(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.take("binance", [tick(102)])
    desk_of_prices.watch({7: btc(99, 103), 8: btc(50, 200)})
    woken = time.monotonic() + HINT_AGAIN_SECONDS
    until(lambda: desk_of_prices.take("binance", [tick(102)]) or time.monotonic() > woken, "it to wake")
    desk_of_prices.take("binance", [tick(102)])
    assert len(sent(desk_of_prices)) == 1


def test_all_positions_of_a_gap_are_hinted_at_with_the_price_behind_it(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.watch({number: btc(100 - number, 101) for number in range(1, 31)})
    desk_of_prices.take("binance", [tick(100), tick(80)])
    assert [arguments[:2] for arguments in sent(desk_of_prices)] == [[n, "80"] for n in range(1, 21)]


def test_fresh_prices_are_the_latest_and_are_taken_once(desk_of_prices: PriceDesk) -> None:
    desk_of_prices.take("binance", [tick(100), tick(101), tick(3, "XRP/USDT:USDT")])
    fresh = desk_of_prices.take_fresh()
    assert {contract[1]: one.price for contract, one in fresh.items()} == {BTC: 101, "XRP/USDT:USDT": 3}
    assert desk_of_prices.take_fresh() == {}


# what is loaded for it


@pytest.mark.django_db(transaction=True)
def test_prices_are_wanted_for_enabled_tickers_and_for_what_is_held() -> None:
    for base in ("BTC", "ETH", "SOL", "XRP", "ADA"):
        an_instrument(base)
    an_instrument("OLD", active=False)
    a_ticker("BTCUSDT")
    a_ticker("OLDUSDT")
    a_ticker("UNLISTEDUSDT")
    a_ticker("ETHUSDT", enabled=False)
    a_position("SOL")
    a_position("XRP", status="closed")
    wanted = watching.load_symbols("binance")
    assert wanted[Reference.MARK] == {BTC: "BTCUSDT", "SOL/USDT:USDT": "SOLUSDT"}
    assert not any(watching.load_symbols("bybit").values())


@pytest.mark.django_db(transaction=True)
def test_the_book_is_watched_for_each_pair_on_its_venues() -> None:
    an_instrument("BTC")
    an_instrument("ETH")
    pair = ArbitragePair.objects.create(
        strategy=a_strategy(),
        symbol=BTC,
        first_account=an_account(),
        second_account=an_account(),
        enabled=True,
    )
    assert watching.load_symbols("binance")[Reference.BOOK] == {BTC: "BTCUSDT"}
    ArbitragePair.objects.filter(pk=pair.pk).update(enabled=False)
    assert not any(watching.load_symbols("binance").values())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("reference", [Reference.LAST, Reference.BOOK])
def test_other_prices_are_watched_where_the_plan_of_a_live_position_asks(reference: Reference) -> None:
    plan = kept(ProtectionPlan(reference=reference))
    a_ticker("BTCUSDT")
    an_instrument("BTC")
    a_position("SOL")
    a_position("ETH", plan=plan)
    a_position("XRP", plan=plan, status="closed")
    wanted = watching.load_symbols("binance")
    assert wanted[Reference.MARK].keys() == {BTC, "SOL/USDT:USDT", "ETH/USDT:USDT"}
    others = {one: names for one, names in wanted.items() if one is not Reference.MARK and names}
    assert others == {reference: {"ETH/USDT:USDT": "ETHUSDT"}}


def test_published_prices_are_found_by_the_exchanges_symbol(marks) -> None:
    names = {("binance", BTC): "BTCUSDT"}
    now = timezone.now()
    watching.publish(
        names, {("binance", BTC, MARK): tick("97000.5", at=now), ("binance", "NEW/USDT:USDT", MARK): tick(1)}
    )
    assert latest_marks("binance", ["BTCUSDT", "NEWUSDT"], now) == {"BTCUSDT": D("97000.5")}


# the process against the paper exchange


@pytest.fixture
def paper(tmp_path: Path, settings, transactional_db, marks) -> Iterator[PaperProcess]:
    with paper_process(tmp_path) as process:
        settings.PAPER_EXCHANGE_URL = process.url
        yield process
        session.close_all()


@pytest.fixture
def strategy(paper: PaperProcess) -> Strategy:
    made = a_strategy(an_account(), notional=D(1000))
    refresh_instruments()
    a_ticker("BTCUSDT")
    return made


@pytest.fixture
def market(paper: PaperProcess, strategy: Strategy, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Gives what the process has logged so far."""
    log = tmp_path / "market-log"
    paper.set_price("BTCUSDT", 97000)
    with child("manage.py", "watch_market", log=log, PAPER_EXCHANGE_URL=paper.url):
        until(lambda: mark() == 97000, "the first price")
        yield log.read_text


def mark() -> D | None:
    return latest_mark("binance", "BTCUSDT", timezone.now())


def bought(strategy: Strategy) -> Order:
    proposal = Proposal(strategy.pk, account_of(strategy).pk, "BTCUSDT", PositionSide.LONG, D(97000))
    outcome = open_position(proposal)
    assert isinstance(outcome, Opened)
    entry = Order.objects.get(position_id=outcome.position_id)
    orders.submit(entry.pk)
    entry.refresh_from_db()
    assert entry.status == "filled"
    return entry


def test_what_the_exchange_tells_becomes_rows_marks_and_hints(
    paper: PaperProcess, strategy: Strategy, market: Callable[[], str]
) -> None:
    entry = bought(strategy)
    until(lambda: Fill.objects.filter(order=entry).exists(), "the execution told by the private stream")
    assert Fill.objects.get().quantity == entry.quantity

    services.protect(entry.position_id)
    stop = Order.objects.get(purpose="protect")
    orders.submit(stop.pk)
    until(lambda: _bands_hold(paper, entry.position_id), "a hint for a price beyond the activation")
    until(lambda: mark() == 99000, "that price to be published")

    paper.set_price("BTCUSDT", 94000)
    until(lambda: Position.objects.get().status == "closed", "the fired stop to be heard of")
    assert Position.objects.get().close_reason == "stop_loss"
    assert Position.objects.get().realized_pnl < 0
    assert not TrailingStop.objects.exists()
    until(lambda: mark() == 94000, "the new price")


def _bands_hold(paper: PaperProcess, position_id: int) -> bool:
    paper.set_price("BTCUSDT", 99000)
    return any(name.endswith("advance") and args[0] == position_id for name, args in take_hints())


def test_a_cut_stream_comes_back_and_what_was_missed_is_reconciled(
    paper: PaperProcess, strategy: Strategy, market: Callable[[], str]
) -> None:
    account = account_of(strategy).name
    until(lambda: AccountBalance.objects.exists(), "the first opening of the private stream")
    paper.hook("streams/cut")
    entry = bought(strategy)
    until(lambda: Fill.objects.filter(order=entry).exists(), "the execution nobody was told of")
    until(lambda: f"private stream of {account} broke" in market(), "the log to tell of the cut")
    paper.set_price("BTCUSDT", 98000)
    until(lambda: mark() == 98000, "prices after the cut")


def test_old_prices_are_no_prices(marks) -> None:
    watching.publish({("binance", BTC): "BTCUSDT"}, {("binance", BTC, MARK): tick(1)})
    assert mark() is None
    assert latest_mark("binance", "BTCUSDT", AT + timedelta(seconds=1)) == 1
