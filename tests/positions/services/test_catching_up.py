"""The machine was away: what the price did meanwhile counts before anything is decided."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
import redis
from django.utils import timezone

from exchanges import session
from exchanges.errors import NotSent, OutcomeUnknown
from exchanges.marks import publish_prices
from exchanges.paper.candles import CANDLE_MS, Candle, Minutes
from exchanges.paper.inprocess import FRONTS, InProcessClient
from exchanges.types import PositionSide, PriceTick, Reference
from positions.models import Order, Position, RiskEvent
from positions.services import catching_up
from positions.services.catching_up import catch_up
from positions.services.price_watch import saw_prices
from tests.conftest import ADDRESS
from tests.positions.services.conftest import Desk
from trailing import asking, services, sweeping
from trailing.gaps import is_behind, known_until
from trailing.models import PlanVersion, PriceWatch, TrailingStop
from trailing.rows import open_rows

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
AWAY = timedelta(minutes=10)


def protected(desk: Desk, side: PositionSide = LONG) -> Position:
    """Filled at 97250.1 (a short at 97249.9), its stop confirmed by the exchange, then the machine is gone."""
    position = desk.filled(side=side)
    services.protect(position.pk)
    desk.submit(position, "protect")
    return position


def back_after(position: Position, away: timedelta = AWAY) -> datetime:
    """As if it had been opened that much earlier: the clock of this test does not move."""
    now = timezone.now()
    Position.objects.filter(pk=position.pk).update(opened_at=now - away)
    return now


def meanwhile(desk: Desk, now: datetime, *minutes: tuple[str, str]) -> None:
    """(high, low) of the minutes before this one; none of them fired the exchange's stop."""
    rows = desk.engine.minutes["BTCUSDT"] = Minutes()
    this_minute = int(now.timestamp() * 1000) // CANDLE_MS * CANDLE_MS
    for back, (high, low) in zip(range(len(minutes), 0, -1), minutes, strict=True):
        rows.restore(Candle(this_minute - back * CANDLE_MS, D(low), D(high), D(low), D(low), D(1)))


def price(desk: Desk, text: str) -> None:
    """Without firing anything: where the price is when the machine comes back."""
    desk.engine.prices["BTCUSDT"] = D(text)


def row_of(position: Position) -> TrailingStop:
    return open_rows().get(pk=position.pk)


def told(price: str, at: datetime) -> None:
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(price), at))])


@pytest.mark.parametrize(
    ("side", "candle", "now_at", "best", "stop"),
    [
        (LONG, ("99500", "97300"), "99300", "99500", "99002.5"),
        (SHORT, ("97200", "95000"), "95200", "95000", "95475"),
    ],
)
def test_the_best_price_of_the_time_away_moves_the_stop(
    desk: Desk, side: PositionSide, candle: tuple[str, str], now_at: str, best: str, stop: str
) -> None:
    position = protected(desk, side)
    now = back_after(position)
    meanwhile(desk, now, ("97260", "97240"), candle, ("97260", "97240"))
    price(desk, now_at)
    catch_up(now)
    row = row_of(position)
    assert (row.state, row.high_water_mark, row.stop_price) == ("active", D(best), D(stop))
    position.refresh_from_db()
    assert position.status == "open"
    assert [order.trigger_price for order in Order.objects.filter(purpose="protect")][-1] == D(stop)


def test_a_best_price_that_lifts_a_loosened_stop_ends_its_being_loose(desk: Desk) -> None:
    """The rules go on from the better stop, not from the one that a person gave up."""
    position = protected(desk)
    TrailingStop.objects.filter(pk=position.pk).update(stop_price=D(95_000), loosened_from=D(95_500))
    now = back_after(position)
    meanwhile(desk, now, ("97260", "97240"), ("99500", "97300"), ("97260", "97240"))
    price(desk, "99300")
    catch_up(now)
    row = row_of(position)
    assert (row.stop_price, row.loosened_from) == (D("99002.5"), None)


def test_until_then_no_price_decides_anything(desk: Desk) -> None:
    """A price of now would start the trailing stop in the wrong place, or close for a stop that stood higher."""
    position = protected(desk)
    now = back_after(position)
    before = row_of(position)
    services.advance(position.pk, D(99_000), now)
    services.advance(position.pk, D(90_000), now)
    row = row_of(position)
    assert (row.state, row.stop_price, row.crossed_at) == (before.state, before.stop_price, None)
    meanwhile(desk, now, ("97260", "97240"))
    price(desk, "97250")
    catch_up(now)
    services.advance(position.pk, D(99_000), now)
    assert row_of(position).high_water_mark == D(99_000)


def test_a_stop_crossed_meanwhile_leaves_by_the_price_of_now(desk: Desk) -> None:
    """Up to 99500 and down again: the stop it would have had is 99002.5, and 98000 is beyond it."""
    position = protected(desk)
    now = back_after(position)
    meanwhile(desk, now, ("99500", "97300"), ("98500", "97900"))
    price(desk, "98000")
    catch_up(now)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closing", "trailing_stop")


def test_a_stop_crossed_meanwhile_and_back_goes_on(desk: Desk) -> None:
    """The exchange's stop at 95305 did not fire, and the price is above it again."""
    position = protected(desk)
    now = back_after(position)
    meanwhile(desk, now, ("97260", "94000"), ("97260", "97000"))
    price(desk, "97200")
    catch_up(now)
    position.refresh_from_db()
    assert (position.status, row_of(position).stop_price) == ("open", D("95305.0"))


def test_prices_from_before_the_entry_do_not_count(desk: Desk) -> None:
    position = protected(desk)
    now = back_after(position, timedelta(minutes=2, seconds=30))
    meanwhile(desk, now, ("110000", "97000"), ("110000", "97000"), ("97300", "97200"), ("97300", "97200"))
    price(desk, "97250")
    catch_up(now)
    assert row_of(position).high_water_mark == D("97300")
    assert row_of(position).state == "waiting"


@contextmanager
def answering(front: type[InProcessClient]) -> Iterator[None]:
    """The next question makes a client anew."""
    FRONTS[ADDRESS] = lambda client: front(client.engine, client.account, client._now)
    session.close_all()
    try:
        yield
    finally:
        del FRONTS[ADDRESS]
        session.close_all()


class Silent(InProcessClient):
    async def candles(self, *asked: Any, **words: Any) -> Any:
        raise OutcomeUnknown("no answer")


def test_a_question_without_answer_decides_nothing_and_is_asked_again(desk: Desk) -> None:
    position = protected(desk)
    now = back_after(position)
    meanwhile(desk, now, ("99500", "97300"))
    price(desk, "99300")
    with answering(Silent):
        catch_up(now)
        services.advance(position.pk, D(99_300), now)
        assert (row_of(position).state, is_behind(row_of(position), now)) == ("waiting", True)
    catch_up(now)
    assert row_of(position).high_water_mark == D(99_500)


class Sparing(InProcessClient):
    """Two minutes an answer; `allowed`: how many before its budget is used up."""

    allowed, asked = 0, 0

    async def candles(self, symbol: str, timeframe: Any, since: Any, limit: int, **words: Any) -> Any:
        Sparing.asked += 1
        if Sparing.asked > Sparing.allowed:
            raise NotSent("the budget is used up")
        return await super().candles(symbol, timeframe, since, min(limit, 2), **words)


def test_a_time_away_longer_than_the_budget_of_a_minute_is_made_up_for_bit_by_bit(desk: Desk) -> None:
    """From the beginning each time it would never end: a position taken over after months needs hundreds of answers."""
    position = protected(desk)
    now = back_after(position)
    meanwhile(desk, now, *[("97260", "97240")] * 6, ("99500", "97300"), ("97260", "97240"))
    price(desk, "99300")
    known = [known_until(row_of(position))]
    with answering(Sparing):
        while is_behind(row_of(position), now):
            Sparing.allowed, Sparing.asked = 2, 0
            catch_up(now)
            known.append(known_until(row_of(position)))
            assert known[-1] > known[-2]
    assert len(known) > 2
    assert row_of(position).high_water_mark == D(99_500)


def test_no_more_is_asked_for_at_once_than_leaves_others_their_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "MOST_AT_ONCE", 3)
    position = protected(desk)
    now = back_after(position)
    meanwhile(desk, now, ("99500", "97300"), *[("97260", "97240")] * 8)
    price(desk, "99300")
    Sparing.allowed, Sparing.asked = 100, 0
    with answering(Sparing):
        catch_up(now)
        assert (Sparing.asked, row_of(position).high_water_mark) == (3, D(99_500))
        assert is_behind(row_of(position), now)
        catch_up(now)
        assert not is_behind(row_of(position), now)


@pytest.mark.parametrize(("side", "wrong"), [(LONG, 90_000), (SHORT, 105_000)])
def test_an_answer_without_candles_leaves_everything_unknown(
    desk: Desk, side: PositionSide, wrong: int
) -> None:
    position = protected(desk, side)
    now = back_after(position)
    meanwhile(desk, now)
    price(desk, str(wrong))
    catch_up(now)
    assert is_behind(row_of(position), now)
    position.refresh_from_db()
    assert (position.status, row_of(position).crossed_at) == ("open", None)


def test_an_answer_that_ends_early_counts_as_far_as_it_goes(desk: Desk) -> None:
    position = protected(desk)
    now = back_after(position)
    meanwhile(desk, now, ("99500", "97300"), *[("97260", "97240")] * 5)
    rows = desk.engine.minutes["BTCUSDT"].rows()
    desk.engine.minutes["BTCUSDT"] = Minutes()
    for row in rows[:2]:
        desk.engine.minutes["BTCUSDT"].restore(row)
    catch_up(now)
    row = row_of(position)
    assert (row.high_water_mark, is_behind(row, now)) == (D(99_500), True)
    assert row.known_until == datetime.fromtimestamp(rows[2].open_ms / 1000, tz=UTC)
    for late in rows[2:]:
        desk.engine.minutes["BTCUSDT"].restore(late)
    price(desk, "99300")
    catch_up(now)
    assert not is_behind(row_of(position), now)


def alarms() -> list[str]:
    return list(
        RiskEvent.objects.filter(event_type="best_price_unknown").values_list("position_id", flat=True)
    )


def test_who_stays_behind_for_minutes_is_told_of_once(desk: Desk, marks: redis.Redis) -> None:
    position = protected(desk)
    now = back_after(position)
    meanwhile(desk, now)
    told("97250", now)
    saw_prices({(position.instrument, Reference.MARK)}, now)
    catch_up(now)
    assert alarms() == [], "the machine has only just come back"
    for minutes in (1, 2, 3, 4):
        later = now + timedelta(minutes=minutes)
        told("97250", later)
        saw_prices({(position.instrument, Reference.MARK)}, later)
        catch_up(later)
    assert alarms() == [str(position.pk)]


def test_what_was_rebuilt_once_is_not_asked_for_again(desk: Desk) -> None:
    position = protected(desk)
    now = back_after(position)
    price(desk, "97250")
    catch_up(now)
    assert known_until(row_of(position)) == now
    assert not is_behind(row_of(position), now + timedelta(seconds=59))
    assert is_behind(row_of(position), now + timedelta(seconds=61))


# what counts as watched


def test_a_sweep_that_hears_prices_keeps_a_position_known(desk: Desk, marks: redis.Redis) -> None:
    position = protected(desk)
    began = timezone.now()
    for seconds in range(0, 181, 30):
        told("97250", began + timedelta(seconds=seconds))
        sweeping.sweep(began + timedelta(seconds=seconds))
    watch = PriceWatch.objects.get()
    spent = timezone.now() - began  # what the sweeps themselves took is part of their time
    assert began <= watch.since <= began + spent
    assert began <= watch.until - timedelta(seconds=180) <= began + spent
    assert not is_behind(row_of(position), began + timedelta(seconds=200))
    assert is_behind(row_of(position), began + timedelta(seconds=241))


def test_a_sweep_without_the_price_stream_does_not(desk: Desk, marks: redis.Redis) -> None:
    """It asks the exchange for a price now and then: what was between is unknown."""
    protected(desk)
    sweeping.sweep(timezone.now())
    asking.ask(timezone.now())
    assert not PriceWatch.objects.exists()


def test_after_a_gap_only_the_gap_is_unknown(desk: Desk, marks: redis.Redis) -> None:
    position = protected(desk)
    began, held = timezone.now(), {(position.instrument, Reference.MARK)}
    for minutes in (0, 1, 2, 30):
        told("97250", began + timedelta(minutes=minutes))
        saw_prices(held, began + timedelta(minutes=minutes))
    later = began + timedelta(minutes=30)
    row = row_of(position)
    assert PriceWatch.objects.get().since == later
    assert known_until(row) == began + timedelta(minutes=2)
    assert is_behind(row, later)
    meanwhile(desk, later, ("99500", "97300"))
    price(desk, "99300")
    catch_up(later)
    assert row_of(position).high_water_mark == D(99_500)
    assert not is_behind(row_of(position), later)


def test_a_gap_that_nobody_rebuilt_is_not_forgotten_by_the_next_one(desk: Desk, marks: redis.Redis) -> None:
    position = protected(desk)
    began = timezone.now()
    for minutes in (0, 10, 20):
        told("97250", began + timedelta(minutes=minutes))
        saw_prices({(position.instrument, Reference.MARK)}, began + timedelta(minutes=minutes))
    assert known_until(row_of(position)) == began


def test_a_plan_nobody_can_read_does_not_keep_others_from_their_best_price(desk: Desk) -> None:
    unreadable, position = protected(desk), protected(desk, SHORT)
    plan = PlanVersion.objects.create(digest="0" * 64, body={"stop_loss": {"type": "hope"}})
    Position.objects.filter(pk=unreadable.pk).update(plan=plan)
    now = back_after(position)
    back_after(unreadable)
    meanwhile(desk, now, ("97260", "97240"), ("97200", "95000"), ("97260", "97240"))
    price(desk, "95200")
    catch_up(now)
    assert row_of(position).stop_price == D("95475")
