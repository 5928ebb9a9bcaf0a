"""What senders sent by two doors, counted by the doors, by our rows, and by the senders themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.conf import settings

from positions import invariants
from signals_app.balance import Line, lines_of, sums
from tests.integration.parts import Part
from tests.integration.stack import SYMBOL, Trader
from tests.ops.waiting import until

NOW = datetime.now(UTC).replace(microsecond=0)
SENT, REPEATED, MALFORMED, UNKNOWN = 20, 6, 5, 4


def message(number: int, word: str = "GO LONG") -> dict[str, str]:
    bar_time = NOW - timedelta(minutes=number)
    return {"symbol": SYMBOL, "message": word, "bar_time": bar_time.isoformat()}


def of_door(door: str) -> Line | None:
    """Of today and yesterday, should midnight pass meanwhile."""
    midnight = NOW.replace(hour=0, minute=0, second=0)
    days = [midnight, midnight + timedelta(days=1)]
    return sums([line for day in days for line in lines_of(day) if line.source.startswith(door)])


def balances(door: str, received: int) -> bool:
    line = of_door(door)
    return line is not None and (line.received, line.counted) == (received, received)


def through_the_socket(trader: Trader) -> int:
    for number in (*range(SENT), *range(REPEATED)):
        trader.send(**message(number))
    for number in range(UNKNOWN):
        trader.send(**message(number, "no such phrase"))
    for number in range(MALFORMED):
        trader.send_raw("{broken" + str(number))
    return SENT + REPEATED + UNKNOWN + MALFORMED


def through_the_stream(stream: redis.Redis, first: int) -> int:
    for number in (*range(SENT), *range(REPEATED)):
        stream.xadd(settings.SIGNALS_STREAM, message(first + number))
    for number in range(MALFORMED):
        stream.xadd(settings.SIGNALS_STREAM, {"symbol": SYMBOL, "nothing": str(number)})
    return SENT + REPEATED + MALFORMED


@pytest.mark.timeout(240)
def test_three_counts_of_what_came_in_agree(trader: Trader, intake: Part) -> None:
    by_socket = through_the_socket(trader)
    with redis.Redis.from_url(settings.REDIS_URL) as stream:
        by_stream = through_the_stream(stream, first=1000)
        until(lambda: balances("websocket:", by_socket), "the socket's ledger", 60)
        until(lambda: balances("stream", by_stream), "the stream's ledger", 60)
        intake.kill()
        intake.start()
        by_stream += through_the_stream(stream, first=2000)
        until(lambda: balances("stream", by_stream), "the stream's ledger after a kill", 60)
        stream.delete(settings.SIGNALS_STREAM)
    socket, streamed = of_door("websocket:"), of_door("stream")
    assert socket is not None
    assert streamed is not None
    assert (socket.new, socket.duplicate, socket.ignored) == (SENT, REPEATED, UNKNOWN + MALFORMED)
    assert streamed.duplicate == 2 * REPEATED
    assert socket.closes
    assert streamed.closes
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert list(invariants.SENTENCES["the ledger of signals closes"](later)) == []
