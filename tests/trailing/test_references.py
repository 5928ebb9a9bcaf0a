"""A plan says which price decides: only that one moves a stop, crosses it, and triggers the exchange's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.marks import publish_prices
from exchanges.paper.candles import CANDLE_MS, Candle, Minutes
from exchanges.paper.inprocess import FRONTS, InProcessClient
from exchanges.types import PositionSide, PriceKind, PriceTick, Reference
from positions.models import Order, Position
from positions.services.catching_up import catch_up
from positions.services.modifying import modify_order
from positions.services.placing import OrderRefused
from positions.services.price_watch import saw_prices
from tests.conftest import ADDRESS
from tests.positions.services.conftest import Desk
from tests.trailing.conftest import sweep_and_ask
from trailing import services, sweeping
from trailing.gaps import is_behind, known_until
from trailing.models import PriceWatch, TrailingStop
from trailing.plan import ProtectionPlan
from trailing.rows import open_rows

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
MARK, LAST, BOOK = Reference.MARK, Reference.LAST, Reference.BOOK
BTC = "BTCUSDT"
AWAY = timedelta(minutes=10)
# a long entered at 97250.1 stops at 95305, a short entered at 97249.9 at 99194.9
STOPS = {LONG: D("95305.0"), SHORT: D("99194.9")}
HARMLESS = D(97250)


def protected(desk: Desk, reference: Reference, side: PositionSide = LONG) -> Position:
    """Filled, its stop confirmed by the exchange."""
    type(desk.strategy).objects.update(protection=ProtectionPlan(reference=reference).as_json())
    position = desk.filled(BTC, side)
    services.protect(position.pk)
    assert desk.submit(position, "protect").status == "accepted"
    position.refresh_from_db()
    assert row_of(position).stop_price == STOPS[side]
    return position


def row_of(position: Position) -> TrailingStop:
    return open_rows().get(pk=position.pk)


def prices_are(desk: Desk, mark: D, last: D) -> None:
    """Without firing anything: the exchange's own stops sleep."""
    desk.engine.prices[BTC], desk.engine.last_apart[BTC] = mark, last


def swept_after_the_grace(position: Position) -> str:
    """The exchange's own stop has had its moment."""
    TrailingStop.objects.exclude(crossed_at=None).update(crossed_at=timezone.now() - timedelta(seconds=3))
    sweep_and_ask(timezone.now())
    return str(Position.objects.values_list("status", flat=True).get(pk=position.pk))


# what the exchange is asked for


@pytest.mark.parametrize(
    ("reference", "trigger_by", "word"),
    [(MARK, "mark", "MARK_PRICE"), (LAST, "last", "CONTRACT_PRICE"), (BOOK, "last", "CONTRACT_PRICE")],
)
def test_the_exchanges_own_stop_waits_for_the_price_that_decides(
    desk: Desk, reference: Reference, trigger_by: str, word: str
) -> None:
    position = protected(desk, reference)
    assert desk.order(position, "protect").trigger_by == trigger_by
    assert [algo.working_type for algo in desk.engine.open_algos(desk.paper_name)] == [word]


# which price crosses


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize("reference", [LAST, BOOK])
def test_a_mark_price_beyond_the_stop_is_nothing_to_another_reference(
    desk: Desk, marks: object, reference: Reference, side: PositionSide
) -> None:
    position = protected(desk, reference, side)
    prices_are(desk, mark=STOPS[side] - side.sign * 500, last=HARMLESS)
    assert [swept_after_the_grace(position) for _ in range(2)] == ["open", "open"]
    assert row_of(position).crossed_at is None


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize("reference", list(Reference))
def test_a_price_of_the_reference_beyond_the_stop_leaves(
    desk: Desk, marks: object, reference: Reference, side: PositionSide
) -> None:
    position = protected(desk, reference, side)
    beyond = STOPS[side] - side.sign * 500
    if reference is MARK:
        prices_are(desk, mark=beyond, last=HARMLESS)
    else:
        prices_are(desk, mark=HARMLESS, last=beyond)
    assert [swept_after_the_grace(position) for _ in range(2)] == ["open", "closing"]


@pytest.mark.parametrize(("side", "touch"), [(LONG, D("0.1")), (SHORT, D("-0.1"))])
@pytest.mark.parametrize(("reference", "ends"), [(LAST, "open"), (BOOK, "closing")])
def test_the_book_is_what_a_close_would_get(
    desk: Desk, marks: object, reference: Reference, ends: str, side: PositionSide, touch: D
) -> None:
    """One tick above a long's stop the bid is on it; the last price is not. A short's ask is the mirror."""
    position = protected(desk, reference, side)
    prices_are(desk, mark=HARMLESS, last=STOPS[side] + touch)
    assert [swept_after_the_grace(position) for _ in range(2)][-1] == ends


def test_each_leg_of_one_contract_is_judged_by_its_own_price(desk: Desk, marks: object) -> None:
    by_last, by_mark = protected(desk, LAST), protected(desk, MARK, SHORT)
    prices_are(desk, mark=D(99_500), last=HARMLESS)
    swept_after_the_grace(by_mark)
    assert swept_after_the_grace(by_mark) == "closing"
    assert Position.objects.get(pk=by_last.pk).status == "open"
    assert row_of(by_last).high_water_mark is None


@pytest.mark.parametrize(("age", "decided"), [(0, "closing"), (6, "open")])
def test_a_last_price_too_old_decides_nothing(
    desk: Desk, marks: object, settings: Any, age: int, decided: str
) -> None:
    position = protected(desk, LAST)
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"  # nobody listens there
    Order.objects.filter(position=position, purpose="protect").update(status="expired")
    told(PriceKind.LAST, "1", timezone.now() - timedelta(seconds=age))
    told(PriceKind.MARK, "97250", timezone.now())
    sweep_and_ask(timezone.now())
    assert Position.objects.get(pk=position.pk).status == decided


# by hand


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_stop_by_hand_is_held_against_the_price_that_decides(
    desk: Desk, marks: object, side: PositionSide
) -> None:
    position = protected(desk, LAST, side)
    between = HARMLESS - side.sign * 1000
    order = desk.order(position, "protect")
    prices_are(desk, mark=HARMLESS, last=between - side.sign)
    with pytest.raises(OrderRefused, match="already beyond the stop"):
        modify_order(order.pk, stop_loss=between)
    prices_are(desk, mark=between - side.sign, last=HARMLESS)
    assert modify_order(order.pk, stop_loss=between).stop_price == between


# after a time nobody watched


def candles(now: datetime, *minutes: tuple[str, str]) -> Minutes:
    """(high, low) of the minutes before this one."""
    rows = Minutes()
    this_minute = int(now.timestamp() * 1000) // CANDLE_MS * CANDLE_MS
    for back, (high, low) in zip(range(len(minutes), 0, -1), minutes, strict=True):
        rows.restore(Candle(this_minute - back * CANDLE_MS, D(low), D(high), D(low), D(low), D(1)))
    return rows


def meanwhile(desk: Desk, last: tuple[str, str], mark: tuple[str, str]) -> datetime:
    """As if opened earlier, with these prices in between: the clock of this test does not move."""
    now, quiet = timezone.now(), ("97260", "97240")
    Position.objects.update(opened_at=now - AWAY)
    desk.engine.minutes[BTC] = candles(now, quiet, last, quiet)
    desk.engine.mark_apart[BTC] = candles(now, quiet, mark, quiet)
    return now


@pytest.mark.parametrize(("reference", "best"), [(MARK, "99300"), (LAST, "99500"), (BOOK, "99500")])
def test_the_best_price_of_the_time_away_is_of_the_reference(
    desk: Desk, reference: Reference, best: str
) -> None:
    position = protected(desk, reference)
    now = meanwhile(desk, last=("99500", "97300"), mark=("99300", "97300"))
    prices_are(desk, mark=D(99_290), last=D(99_290))
    catch_up(now)
    assert row_of(position).high_water_mark == D(best)


class Listening(InProcessClient):
    asked: list[bool] = []

    async def candles(self, *asked: Any, of_mark: bool = False) -> Any:
        self.asked.append(of_mark)
        return await super().candles(*asked, of_mark=of_mark)


def test_two_references_of_one_contract_are_two_questions(desk: Desk) -> None:
    by_last, by_mark = protected(desk, LAST), protected(desk, MARK, SHORT)
    now = meanwhile(desk, last=("99500", "97300"), mark=("97260", "95100"))
    prices_are(desk, mark=D(95_200), last=D(99_400))
    FRONTS[ADDRESS] = lambda client: Listening(client.engine, client.account, client._now)
    session.close_all()  # the next question makes a client anew
    try:
        catch_up(now)
    finally:
        del FRONTS[ADDRESS]
        session.close_all()
    assert set(Listening.asked) == {False, True}
    assert row_of(by_last).high_water_mark == D(99_500)
    assert row_of(by_mark).high_water_mark == D(95_100)


# what counts as watched


def told(kind: PriceKind, price: str, at: datetime) -> None:
    publish_prices("binance", [(BTC, PriceTick("BTC/USDT:USDT", D(price), at, kind))])


def test_watched_mark_prices_say_nothing_of_last_ones(desk: Desk, marks: object) -> None:
    position, began = protected(desk, LAST), timezone.now()
    for seconds in (0, 40, 80):
        at = began + timedelta(seconds=seconds)
        told(PriceKind.MARK, "97250", at)
        sweeping.sweep(at)
    assert not PriceWatch.objects.exists()
    assert is_behind(row_of(position), began + timedelta(seconds=80))
    told(PriceKind.LAST, "97250", began)
    sweeping.sweep(began)
    assert PriceWatch.objects.get().reference == LAST


def test_a_gap_of_one_reference_is_none_of_the_other(desk: Desk, marks: object) -> None:
    by_last, by_mark = protected(desk, LAST), protected(desk, MARK, SHORT)
    began = timezone.now()
    both = {(by_last.instrument, LAST), (by_last.instrument, MARK)}
    for minutes in range(31):
        at = began + timedelta(minutes=minutes)
        told(PriceKind.MARK, "97250", at)
        if minutes in (0, 1, 30):
            told(PriceKind.LAST, "97250", at)
        saw_prices(both, at)
    later = began + timedelta(minutes=30)
    assert (is_behind(row_of(by_last), later), is_behind(row_of(by_mark), later)) == (True, False)
    assert known_until(row_of(by_last)) == began + timedelta(minutes=1)
    assert PriceWatch.objects.count() == 2
