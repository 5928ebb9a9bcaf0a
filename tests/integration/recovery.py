"""Many positions, everything of ours killed, the exchange moved on: how long until all are proven protected?"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import product

from django.db.models import Min
from django.utils import timezone

from exchanges.binance_client import BinanceClient
from exchanges.credentials import Credentials
from exchanges.models import AccountWatch
from exchanges.paper.demo import DEMO_PRICES
from exchanges.paper.signing import paper_secret
from exchanges.types import Book, OrderReport, OrderRequest, OrderType, PositionReport, PositionSide, Side
from positions.models import Position
from tests.integration.stack import Stack, Trader
from tests.ops.waiting import until

LEGS = list(product(DEMO_PRICES, ("GO LONG", "GO SHORT")))
FOREIGN = LEGS.pop()  # never traded by us
Listing = tuple[Sequence[PositionReport], Sequence[OrderReport]]


@dataclass(frozen=True)
class Recovered:
    positions: int  # when everything was killed
    awake: float  # seconds from the start of the processes to the first private stream that is open again
    seconds: float  # from the start of the processes to the listing that proves the last stop


def recover(stack: Stack, positions: int) -> Recovered:
    with ExitStack() as lines, closing(Auditor()) as auditor:
        traders = _traders(stack, positions, lines)
        for trader in traders:
            auditor.know(trader)
        _open(traders, positions)
        opened = _ours(traders).count()
        auditor.listings()
        with stack.ours_gone():
            _disturb(traders)
            since, started = timezone.now(), time.monotonic()
        until(lambda: _is_believed(traders, since) and not auditor.doubts(traders), "the proof", 120)
        seconds = time.monotonic() - started
        return Recovered(opened, (_first_stream(traders) - since).total_seconds(), seconds)


def _traders(stack: Stack, positions: int, lines: ExitStack) -> list[Trader]:
    """As few accounts as hold so many legs, all following the same words."""
    words = f" {uuid.uuid4().hex[:6]}"
    accounts = -(-positions // len(LEGS))
    traders = [Trader(stack, words, opposite_signal="hedge") for _ in range(accounts)]
    for trader in traders:
        lines.enter_context(trader.lines)
    return traders


def _open(traders: list[Trader], positions: int) -> None:
    legs = LEGS[: -(-positions // len(traders))]
    for symbol, phrase in legs:
        verdict = traders[0].send(phrase, symbol=symbol)
        assert [entry["status"] for entry in verdict["entries"]] == ["opened"] * len(traders), verdict
    wanted = len(legs) * len(traders)
    until(lambda: _protected(traders).count() == wanted, f"{wanted} protected positions", seconds=120)


def _ours(traders: list[Trader]):
    return Position.objects.filter(account__in=[t.account for t in traders], is_live=True)


def _protected(traders: list[Trader]):
    return _ours(traders).filter(status="open", orders__purpose="protect", orders__status="accepted")


def _disturb(traders: list[Trader]) -> None:
    """A stop fires on each account; one position is closed by hand, one stop canceled, one stranger opened."""
    first_symbol = LEGS[0][0]
    traders[0].set_price(DEMO_PRICES[first_symbol] * 97 / 100, first_symbol)  # beyond its long's stop
    others = _protected([traders[0]]).exclude(instrument__exchange_symbol=first_symbol)
    sold, bare = others.select_related("instrument")[:2]
    _by_hand(
        traders[0], sold.instrument.symbol, PositionSide(sold.position_side), sold.quantity, is_entry=False
    )
    [stop] = traders[0].stops(bare, "accepted")
    traders[0].ask(lambda c: c.cancel_order(bare.instrument.symbol, stop.client_order_id, Book.ALGO))
    unified = f"{FOREIGN[0].removesuffix('USDT')}/USDT:USDT"
    _by_hand(traders[-1], unified, PositionSide.SHORT, Decimal(10), is_entry=True)


def _by_hand(trader: Trader, symbol: str, leg: PositionSide, quantity, *, is_entry: bool) -> None:
    side: Side = leg.entry_side if is_entry else leg.exit_side
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    request = OrderRequest(symbol, side, leg, OrderType.MARKET, quantity, name, reduce_only=not is_entry)
    trader.ask(lambda client: client.create_order(request))


def _is_believed(traders: list[Trader], since: datetime) -> bool:
    """Our own rows say so; only then is the exchange troubled: its client waits when it asks too often."""
    accounts = [trader.account for trader in traders]
    seen = AccountWatch.objects.filter(account__in=accounts, reconciled_at__gte=since)
    return seen.count() == len(accounts) and _ours(traders).count() == _protected(traders).count()


def _first_stream(traders: list[Trader]) -> datetime:
    watches = AccountWatch.objects.filter(account__in=[trader.account for trader in traders])
    return watches.aggregate(first=Min("stream_connected_at"))["first"]


class Auditor:
    """Asks the exchange itself, as anybody with the keys could, over connections that are warm."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._clients: dict[int, BinanceClient] = {}

    def know(self, trader: Trader) -> None:
        secret = paper_secret(trader.key)
        credentials = Credentials("binance", trader.key, secret, trader.stack.paper.url)
        self._clients[trader.account.pk] = BinanceClient(credentials)

    def listings(self) -> dict[int, Listing]:
        return self._runner.run(self._ask_all())

    async def _ask_all(self) -> dict[int, Listing]:
        answers = await asyncio.gather(*map(_ask, self._clients.values()))
        return dict(zip(self._clients, answers, strict=True))

    def doubts(self, traders: list[Trader]) -> list[str]:
        """What keeps us from saying that all is known and protected; each live leg needs a stop for all of it."""
        listings = self.listings()
        return [doubt for trader in traders for doubt in _doubts(trader, *listings[trader.account.pk])]

    def close(self) -> None:
        for client in self._clients.values():
            self._runner.run(client.close())
        self._runner.close()


async def _ask(client: BinanceClient) -> Listing:
    return await client.positions(), await client.open_orders()


def _doubts(trader: Trader, held: Sequence[PositionReport], listed: Sequence[OrderReport]) -> list[str]:
    stops = {(o.client_order_id.rsplit("-", 1)[0], o.quantity) for o in listed if o.trigger_price}
    foreign = (f"{FOREIGN[0].removesuffix('USDT')}/USDT:USDT", PositionSide.SHORT)
    theirs = {(p.symbol, p.position_side): p.quantity for p in held} | {foreign: None}
    live = list(_ours([trader]).select_related("instrument"))
    ours = {(p.instrument.symbol, PositionSide(p.position_side)): p.quantity for p in live} | {foreign: None}
    bare = [f"{p} has no stop" for p in live if (f"tb-{p.token}", p.quantity) not in stops]
    return bare + ([] if ours == theirs else [f"{trader.account}: {ours.keys() ^ theirs.keys()}"])
