"""What goes wrong on the private stream, as a client hears it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from exchanges.ccxt_of_our_venues import ccxt
from exchanges.paper.signing import listen_key
from tests.exchanges.paper.conftest import BTC, KEY, Paper
from tests.exchanges.paper.test_binance_stream import soon

LONG = {"positionSide": "LONG"}
NEW, FILLED, ACCOUNT = "NEW", "FILLED", "ORDER"
USUAL = [NEW, FILLED, ACCOUNT]  # what one market order tells
pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def listening(paper: Paper) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with paper.session.ws_connect(f"{paper.url}/private/ws?listenKey={listen_key(KEY)}") as line:
        await paper.listened_to()
        yield line


async def buy(exchange: Any) -> Any:
    return await exchange.create_order(BTC, "market", "buy", 0.01, None, LONG)


async def heard(line: aiohttp.ClientWebSocketResponse, count: int) -> list[str]:
    return [_state(await soon(line.receive_json())) for _ in range(count)]


def _state(told: dict[str, Any]) -> str:
    return told["o"]["X"] if "o" in told else told["a"]["m"]


async def fault(paper: Paper, kind: str, **words: Any) -> None:
    await paper.hook("streams/faults", kind=kind, **words)


async def test_events_come_twice(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "duplicate", times=3)
        await buy(hedged)
        assert await heard(line, 6) == [NEW, NEW, FILLED, FILLED, ACCOUNT, ACCOUNT]


async def test_neighbours_change_places(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "reorder")
        await buy(hedged)
        assert await heard(line, 3) == [FILLED, NEW, ACCOUNT]
        await fault(paper, "reorder", event="ORDER_TRADE_UPDATE", times=2)
        await buy(hedged)
        assert await heard(line, 3) == [FILLED, NEW, ACCOUNT]


async def test_an_event_without_a_neighbour_comes_all_the_same(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "reorder", event="ACCOUNT_UPDATE", seconds=0.05)
        await buy(hedged)
        assert await heard(line, 3) == USUAL


async def test_events_are_lost(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "drop", times=4)
        await buy(hedged)
        await buy(hedged)
        assert await heard(line, 2) == [FILLED, ACCOUNT]
        assert len(await hedged.fetch_my_trades(BTC)) == 2


async def test_only_the_event_meant_is_lost(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "drop", event="ACCOUNT_UPDATE")
        await fault(paper, "drop", api_key="paper-other", times=9)
        await buy(hedged)
        await buy(hedged)
        assert await heard(line, 5) == [NEW, FILLED, *USUAL]


async def test_faults_of_events_can_be_taken_back(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "drop", times=9)
        await paper.hook("streams/faults", method="DELETE")
        await buy(hedged)
        assert await heard(line, 3) == USUAL


async def test_the_event_comes_before_the_answer(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await paper.fault("POST", "/fapi/v1/order", "event_first", seconds=0.5)
        buying = asyncio.create_task(buy(hedged))
        assert await heard(line, 3) == USUAL
        assert not buying.done()
        assert (await buying)["status"] == "closed"


async def test_the_event_comes_long_after_the_answer_and_in_order(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "late", seconds=1)
        hearing = asyncio.create_task(heard(line, 3))
        await buy(hedged)
        assert len(await hedged.fetch_my_trades(BTC)) == 1
        assert not hearing.done()
        assert await hearing == USUAL


async def test_a_silent_socket_stays_open_and_says_nothing(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        assert await paper.hook("streams/silence", api_key="paper-other") == {"silenced": 0}
        assert await paper.hook("streams/silence") == {"silenced": 1}
        await buy(hedged)
        async with listening(paper) as fresh:  # the key is as good as before
            await buy(hedged)
            assert await heard(fresh, 3) == USUAL
        await line.ping()
        await paper.hook("streams/cut")
        assert not [message async for message in line if message.type is aiohttp.WSMsgType.TEXT]


async def test_an_event_may_silence_the_socket(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "silent", event="ACCOUNT_UPDATE")
        await buy(hedged)
        assert await heard(line, 2) == [NEW, FILLED]
        assert (await paper.state())["private_sockets"] == 0
        assert not line.closed


async def test_one_accounts_sockets_are_cut(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        assert await paper.hook("streams/cut", api_key="paper-other") == {"cut": 0}
        assert await paper.hook("streams/cut", api_key=KEY) == {"cut": 1}
        assert (await soon(line.receive())).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_an_event_may_cut_the_socket_and_is_lost(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "cut", event="ACCOUNT_UPDATE")
        await buy(hedged)
        rest = [message async for message in line if message.type is aiohttp.WSMsgType.TEXT]
        assert ACCOUNT not in [_state(message.json()) for message in rest]
    async with listening(paper) as line:
        await buy(hedged)
        assert await heard(line, 3) == USUAL


async def test_new_sockets_are_refused_for_a_while(hedged: Any, paper: Paper) -> None:
    await paper.hook("streams/refuse", seconds=60)
    with pytest.raises(ccxt.NetworkError):
        await soon(hedged.watch_orders())
    async with paper.session.ws_connect(f"{paper.url}/market/ws/1"):
        pass  # public ones are not meant
    await paper.hook("streams/refuse", seconds=0)
    async with listening(paper) as line:
        await buy(hedged)
        assert await heard(line, 3) == USUAL


async def test_an_event_may_shut_the_door(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await fault(paper, "refuse", seconds=1)
        await buy(hedged)
        assert (await soon(line.receive())).type is not aiohttp.WSMsgType.TEXT
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with listening(paper):
            pass

    async def is_open_again() -> bool:
        try:
            async with listening(paper):
                return True
        except aiohttp.WSServerHandshakeError:
            return False

    await paper.until(is_open_again, "an open door")


@pytest.mark.parametrize("silently", [False, True])
async def test_a_key_ends_with_a_word_or_without(hedged: Any, paper: Paper, silently: bool) -> None:
    async with listening(paper) as line:
        await paper.hook("listen_key/expire", api_key=KEY, silently=silently)
        await buy(hedged)
        async with paper.session.ws_connect(f"{paper.url}/private/ws?listenKey={listen_key(KEY)}") as refused:
            await soon(refused.receive())
            assert refused.close_code == 1008
        await paper.hook("streams/cut")
        texts = [m.json()["e"] async for m in line if m.type is aiohttp.WSMsgType.TEXT]
    assert texts == ([] if silently else ["listenKeyExpired"])


@pytest.mark.parametrize(("kind", "last"), [("expire", "listenKeyExpired"), ("expire_silently", "")])
async def test_an_event_may_end_the_key(hedged: Any, paper: Paper, kind: str, last: str) -> None:
    async with listening(paper) as line:
        await fault(paper, kind, event="ACCOUNT_UPDATE")
        await buy(hedged)
        await paper.hook("streams/cut")
        texts = [m.json() async for m in line if m.type is aiohttp.WSMsgType.TEXT]
    assert ([told["e"] for told in texts if told["e"] == "listenKeyExpired"] or [""]) == [last]
    assert "ACCOUNT_UPDATE" not in [told["e"] for told in texts]
    status, answer = await paper.send("PUT", "/fapi/v1/listenKey")
    assert (status, answer["code"]) == (400, -1125)
