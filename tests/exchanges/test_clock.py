"""The clock is compared with the venue's: signatures follow it, entries wait for it, exits never do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from exchanges import session
from exchanges.binance_client import BinanceClient
from exchanges.clock import ClockReading, reading
from exchanges.models import AccountWatch
from positions.lifecycle import CloseReason
from positions.models import Order
from positions.services import reconciliation
from positions.services.closing import request_close
from tests.exchanges.floor import Floor
from trailing.services import protect

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_MS = round(NOON.timestamp() * 1000)
FAR_MS = 5_000


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


# the comparison


@pytest.mark.parametrize("offset_ms", [-5000, 0, 1234])
def test_half_the_way_is_taken_off(offset_ms: int) -> None:
    """The venue's clock read NOON while 300 ms of a 600 ms round trip had passed."""
    ours = NOON + timedelta(milliseconds=offset_ms)
    found = reading(ours - seconds(0.3), NOON_MS, ours + seconds(0.3))
    assert (found.offset_ms, found.uncertain_ms) == (offset_ms, 300)


@pytest.mark.parametrize("answered_after", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_wherever_the_venue_looked_a_right_clock_is_never_called_wrong(answered_after: float) -> None:
    """A round trip of four seconds between two clocks that agree."""
    looked_at = NOON_MS + round(4000 * answered_after)
    assert not reading(NOON, looked_at, NOON + seconds(4)).is_beyond(1)


def test_the_limit_is_for_both_directions() -> None:
    for offset in (-1101, 1101):
        assert ClockReading(offset, 100, NOON).is_beyond(1000)
    for offset in (-1100, 0, 1100):
        assert not ClockReading(offset, 100, NOON).is_beyond(1000)


def test_a_reading_from_the_future_is_old_too() -> None:
    """The clock was set back since."""
    found = ClockReading(0, 1, NOON)
    assert not found.is_older_than(seconds(60), NOON + seconds(59))
    assert found.is_older_than(seconds(60), NOON + seconds(60))
    assert found.is_older_than(seconds(60), NOON - seconds(1))


# through the system


def skew(floor: Floor, milliseconds: int) -> None:
    """The venue's clock changes; this client has to find out by itself."""
    floor.wired.venue.clock_offset_ms = milliseconds


@pytest.mark.parametrize("milliseconds", [FAR_MS, -FAR_MS])
def test_an_entry_is_refused_with_the_numbers_and_nothing_is_sent(floor: Floor, milliseconds: int) -> None:
    skew(floor, milliseconds)
    session.close_all()
    entry = floor.submit(floor.open(), "entry")
    assert entry.status == "rejected"
    word = "behind" if milliseconds > 0 else "ahead of"
    assert word in entry.reason
    assert "no entries beyond 1000 ms" in entry.reason
    assert floor.wired.requests("POST", "/fapi/v1/order") == 0


@pytest.mark.parametrize("milliseconds", [FAR_MS, -FAR_MS])
def test_exits_go_out_whatever_the_clock_says(floor: Floor, milliseconds: int) -> None:
    position = floor.filled()
    skew(floor, milliseconds)
    session.close_all()
    protect(position.pk)
    assert floor.submit(position, "protect").status == "accepted"
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    assert floor.submit(position, "close").status == "filled"


def test_a_refused_timestamp_measures_again_and_the_exit_goes_out(floor: Floor) -> None:
    """-1021 to a client that believed its clock was right."""
    position = floor.filled()
    skew(floor, FAR_MS * 2)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    close = floor.submit(position, "close")
    assert (close.status, close.reason[:5]) == ("initialized", "-1021")
    Order.objects.filter(pk=close.pk).update(next_attempt_at=None)
    assert floor.submit(position, "close").status == "filled"


def test_a_repaired_clock_is_noticed_at_once(floor: Floor) -> None:
    """The old correction is wrong now: the first signed question is refused for its time, the second is not."""
    skew(floor, FAR_MS)
    session.close_all()
    assert floor.submit(floor.open(), "entry").status == "rejected"
    skew(floor, 0)
    position = floor.open("ETHUSDT")
    assert floor.submit(position, "entry").reason[:5] == "-1021"
    Order.objects.filter(position=position).update(next_attempt_at=None)
    assert floor.submit(position, "entry").status == "filled"


def test_health_knows_the_offset(floor: Floor) -> None:
    skew(floor, -FAR_MS)
    session.close_all()
    reconciliation.reconcile_account(floor.account.pk)
    watch = AccountWatch.objects.get(account=floor.account)
    assert watch.clock_offset_ms == pytest.approx(FAR_MS, abs=500)
    assert watch.clock_measured_at is not None


def test_an_old_reading_is_renewed_beside_the_calls(floor: Floor) -> None:
    async def forget_and_ask(client: BinanceClient) -> datetime:
        await client.balance()
        reader = client._calls.reader
        old = reader.clock = ClockReading(0, 1, datetime.now(UTC) - timedelta(minutes=4))
        while reader.clock is old:
            await client.balance()
            await asyncio.sleep(0)
        return reader.clock.measured_at

    measured_at = session.call(floor.account, forget_and_ask)  # type: ignore[arg-type]
    assert measured_at > datetime.now(UTC) - timedelta(minutes=1)
