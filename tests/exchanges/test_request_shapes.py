"""What our order requests look like on the wire, field by field, against captured ccxt requests.

Two differences are on purpose: conditional orders always say their workingType, and a Bybit order always
carries our orderLinkId. One is the venue's: the algo endpoint's field is `activatePrice`, while ccxt 4.5.84,
which made the captures, still sent `activationPrice`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from exchanges.binance_client import BinanceClient
from exchanges.bybit_client import BybitClient
from exchanges.ccxt_client import build_exchange
from exchanges.credentials import Credentials
from exchanges.errors import ExchangeError, InvalidRequest
from exchanges.types import (
    NativeExits,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionSide,
    PriceKind,
    Side,
    TimeInForce,
)
from exchanges.venues import binance, bybit
from tests.exchanges.capture import Capture, capturing, sample

SHAPES = {shape["id"]: shape for shape in sample("request_shapes")}
CLIENTS = {"binance": BinanceClient, "bybit": BybitClient}
CHANGING = ("timestamp", "signature", "recvWindow", "newClientOrderId", "clientAlgoId")


def a_request(
    side: Side = Side.BUY, position_side: PositionSide = PositionSide.LONG, **rest: Any
) -> OrderRequest:
    fields = {
        "symbol": "BTC/USDT:USDT",
        "side": side,
        "position_side": position_side,
        "order_type": OrderType.MARKET,
        "quantity": Decimal("0.010"),
        "client_order_id": "tb-1-entry-1",
    }
    return OrderRequest(**{**fields, **rest})


async def binance_sends(request: OrderRequest, mode: PositionMode) -> tuple[str, dict[str, Any]]:
    """Through the real client; the capture server answers nonsense, so the outcome is an error."""
    async with capturing() as venue:
        client = BinanceClient(Credentials("binance", "key", "secret", venue.url))
        try:
            await client.instruments()  # an order waits for nothing long
            with pytest.raises(ExchangeError):
                await client.create_order(replace(request, position_mode=mode))
        finally:
            await client.close()
        return the_order(venue)


async def bybit_sends(request: OrderRequest, mode: PositionMode) -> tuple[str, dict[str, Any]]:
    words = bybit.order_words(replace(request, position_mode=mode))
    async with capturing() as venue:
        answer = {"retCode": 0, "retMsg": "OK", "result": {"orderId": "1", "orderLinkId": "x"}, "time": 1}
        for path in ("/v5/order/create", "/v5/position/trading-stop"):
            venue.answers["POST", path] = answer
        exchange = build_exchange(Credentials("bybit", "key", "secret", venue.url))
        try:
            await exchange.create_order(
                words.symbol, words.type, words.side, words.amount, words.price, words.params
            )
        finally:
            await exchange.close()
        return the_order(venue)


def the_order(venue: Capture) -> tuple[str, dict[str, Any]]:
    orders = [s for s in venue.seen if s.method == "POST"]
    assert len(orders) == 1, "an order is sent exactly once"
    return orders[0].path, orders[0].params


def expected(shape: str, **ours: Any) -> tuple[str, dict[str, Any]]:
    captured = SHAPES[shape]
    return captured["path"], {k: v for k, v in captured["params"].items() if v != "<any>"} | ours


def comparable(sent: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return sent[0], {name: value for name, value in sent[1].items() if name not in CHANGING}


@pytest.mark.asyncio
async def test_market_open_long_in_hedge_mode() -> None:
    sent = await binance_sends(a_request(), PositionMode.HEDGE)
    assert comparable(sent) == expected("binance_market_open_long_hedge")
    assert sent[1]["newClientOrderId"] == "tb-1-entry-1"
    assert sent[1]["recvWindow"] == "3000"


@pytest.mark.asyncio
async def test_market_close_long_in_one_way_mode() -> None:
    request = a_request(Side.SELL, reduce_only=True)
    sent = await binance_sends(request, PositionMode.ONE_WAY)
    assert comparable(sent) == expected("binance_market_close_long_oneway", positionSide="BOTH")


@pytest.mark.asyncio
async def test_market_close_long_in_hedge_mode_never_says_reduce_only() -> None:
    request = a_request(Side.SELL, reduce_only=True)
    sent = await binance_sends(request, PositionMode.HEDGE)
    assert comparable(sent) == expected("binance_market_close_long_hedged_param")


@pytest.mark.asyncio
async def test_close_short_in_hedge_mode_names_the_short_side() -> None:
    request = a_request(Side.BUY, PositionSide.SHORT, reduce_only=True)
    _, params = await binance_sends(request, PositionMode.HEDGE)
    assert (params["side"], params["positionSide"], params.get("reduceOnly")) == ("BUY", "SHORT", None)


@pytest.mark.asyncio
async def test_stop_market_that_reduces() -> None:
    request = a_request(
        Side.SELL, order_type=OrderType.STOP_MARKET, trigger_price=Decimal("60000.0"), reduce_only=True
    )
    sent = await binance_sends(request, PositionMode.ONE_WAY)
    assert comparable(sent) == expected(
        "binance_stop_market_reduce", workingType="MARK_PRICE", positionSide="BOTH"
    )
    assert sent[1]["clientAlgoId"] == "tb-1-entry-1"


@pytest.mark.asyncio
async def test_a_stop_by_the_last_price() -> None:
    words = {"order_type": OrderType.STOP_MARKET, "trigger_price": Decimal("60000.0"), "reduce_only": True}
    request = a_request(Side.SELL, trigger_by=PriceKind.LAST, **words)
    sent = await binance_sends(request, PositionMode.ONE_WAY)
    assert comparable(sent) == expected(
        "binance_stop_market_reduce", workingType="CONTRACT_PRICE", positionSide="BOTH"
    )


@pytest.mark.asyncio
async def test_take_profit_market_in_hedge_mode() -> None:
    request = a_request(
        Side.SELL, order_type=OrderType.TAKE_PROFIT_MARKET, trigger_price=Decimal("70000.1"), reduce_only=True
    )
    path, params = await binance_sends(request, PositionMode.HEDGE)
    assert path == "/fapi/v1/algoOrder"
    assert params["type"] == "TAKE_PROFIT_MARKET"
    assert params["triggerPrice"] == "70000.1"
    assert (params["positionSide"], params.get("reduceOnly")) == ("LONG", None)


@pytest.mark.asyncio
async def test_native_trailing_stop() -> None:
    native = NativeExits(callback_rate=Decimal("1.0"), activation_price=Decimal("65000"))
    request = a_request(Side.SELL, order_type=OrderType.TRAILING_STOP_MARKET, reduce_only=True, native=native)
    sent = await binance_sends(request, PositionMode.ONE_WAY)
    path, params = expected("binance_trailing_percent", workingType="MARK_PRICE", positionSide="BOTH")
    params["activatePrice"] = params.pop("activationPrice")  # the venue's name, see the top of this file
    assert comparable(sent) == (path, params)


@pytest.mark.asyncio
async def test_limit_order_keeps_every_digit() -> None:
    request = a_request(
        symbol="SHIB/USDT:USDT", order_type=OrderType.LIMIT, quantity=Decimal("7"), price=Decimal("0.0000120")
    )
    _, params = await binance_sends(request, PositionMode.HEDGE)
    assert (params["price"], params["quantity"], params["timeInForce"]) == ("0.000012", "7", "GTC")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("force", "date"), [("GTC", None), ("IOC", None), ("FOK", None), ("GTX", None), ("GTD", "1699999999000")]
)
async def test_a_limit_order_says_how_long_it_works(force: str, date: str | None) -> None:
    until = datetime(2023, 11, 14, 22, 13, 19, tzinfo=UTC)
    request = a_request(
        order_type=OrderType.LIMIT,
        price=Decimal("60000"),
        time_in_force=TimeInForce(force.lower()),
        expires_at=until,
    )
    path, params = await binance_sends(request, PositionMode.HEDGE)
    assert (path, params["timeInForce"], params.get("goodTillDate")) == ("/fapi/v1/order", force, date)


@pytest.mark.asyncio
async def test_bybit_market_open_with_stop_and_target() -> None:
    native = NativeExits(stop_price=Decimal(58000), take_profit_price=Decimal(70000))
    sent = await bybit_sends(a_request(native=native), PositionMode.ONE_WAY)
    assert sent == expected("bybit_market_open_with_sl_tp", orderLinkId="tb-1-entry-1", positionIdx=0)


@pytest.mark.asyncio
async def test_bybit_trailing_amount() -> None:
    native = NativeExits(callback_amount=Decimal(500), activation_price=Decimal(65000))
    sent = await bybit_sends(a_request(Side.SELL, native=native), PositionMode.ONE_WAY)
    assert sent == expected("bybit_trailing_amount", positionIdx=0)


@pytest.mark.asyncio
async def test_bybit_close_short_in_hedge_mode() -> None:
    request = a_request(Side.BUY, PositionSide.SHORT, reduce_only=True)
    sent = await bybit_sends(request, PositionMode.HEDGE)
    assert sent == expected("bybit_close_hedge_short", orderLinkId="tb-1-entry-1")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "request_",
    [
        a_request(quantity=Decimal("0.0105")),
        a_request(quantity=Decimal("0.0001")),
        a_request(order_type=OrderType.LIMIT, price=Decimal("60000.05")),
        a_request(order_type=OrderType.STOP_MARKET, trigger_price=Decimal("60000.05")),
        a_request(symbol="NONE/USDT:USDT"),
    ],
)
async def test_a_number_off_the_step_is_refused_before_sending(request_: OrderRequest) -> None:
    async with capturing() as venue:
        client = BinanceClient(Credentials("binance", "key", "secret", venue.url))
        with pytest.raises(InvalidRequest):
            await client.create_order(request_)
        await client.close()
        assert [seen for seen in venue.seen if seen.method == "POST"] == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "request_",
    [
        a_request(order_type=OrderType.LIMIT),
        a_request(order_type=OrderType.STOP_MARKET),
        a_request(client_order_id="x" * 37),
        a_request(client_order_id=""),
        a_request(native=NativeExits(stop_price=Decimal(1))),
        a_request(native=NativeExits(callback_amount=Decimal(1))),
        a_request(order_type=OrderType.TRAILING_STOP_MARKET),
        a_request(
            order_type=OrderType.STOP_MARKET,
            trigger_price=Decimal(1),
            native=NativeExits(callback_rate=Decimal(1)),
        ),
        a_request(time_in_force=TimeInForce.GTX),
        a_request(order_type=OrderType.LIMIT, price=Decimal(1), time_in_force=TimeInForce.GTD),
    ],
)
async def test_binance_words_refuse_what_cannot_be_said(request_: OrderRequest) -> None:
    with pytest.raises(InvalidRequest):
        binance.order_words(request_)


PURPOSES: dict[str, dict[str, Any]] = {
    "entry": {},
    "close": {"reduce_only": True},
    "part": {"reduce_only": True, "order_type": OrderType.LIMIT, "price": Decimal(60_000)},
    "stop": {"reduce_only": True, "order_type": OrderType.STOP_MARKET, "trigger_price": Decimal(60_000)},
    "target": {
        "reduce_only": True,
        "order_type": OrderType.TAKE_PROFIT_MARKET,
        "trigger_price": Decimal(60_000),
    },
}


def every_leg() -> list[OrderRequest]:
    """Each mode, side and purpose; an exit is on the other side than its position."""
    return [
        a_request(
            leg.entry_side if purpose == "entry" else leg.exit_side,
            leg,
            position_mode=mode,
            client_order_id=f"{mode}-{leg}-{purpose}",
            **words,
        )
        for mode in PositionMode
        for leg in PositionSide
        for purpose, words in PURPOSES.items()
    ]


async def all_sent(venue_name: str) -> dict[str, dict[str, Any]]:
    """Client order id -> fields, by the real client, whatever is answered; more keys than one, for a venue takes only
    so many orders a second."""
    async with capturing() as venue:
        for mode, leg in product(PositionMode, PositionSide):
            client = CLIENTS[venue_name](Credentials(venue_name, f"{mode}-{leg}", "secret", venue.url))
            try:
                await client.instruments()
                for request in every_leg():
                    if (request.position_mode, request.position_side) == (mode, leg):
                        with pytest.raises(ExchangeError):
                            await client.create_order(request)
            finally:
                await client.close()
        names = ("newClientOrderId", "clientAlgoId", "orderLinkId")
        orders = [seen.params for seen in venue.seen if seen.method == "POST"]
        return {next(one[name] for name in names if name in one): one for one in orders}


def told(fields: dict[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(str(fields.get(name, "-")).lower() for name in names)


@pytest.mark.asyncio
async def test_binance_is_told_the_leg_in_hedge_mode_and_reduce_only_in_one_way_mode() -> None:
    sent = await all_sent("binance")
    assert len(sent) == len(every_leg())
    for request in every_leg():
        is_exit = request.reduce_only
        wanted = {
            PositionMode.HEDGE: (request.position_side.value, "-"),
            PositionMode.ONE_WAY: ("both", "true" if is_exit else "-"),
        }
        found = told(sent[request.client_order_id], "side", "positionSide", "reduceOnly")
        assert found == (request.side.value, *wanted[request.position_mode]), request.client_order_id


@pytest.mark.asyncio
async def test_bybit_is_told_the_index_of_the_position_and_reduce_only_of_every_exit() -> None:
    sent = await all_sent("bybit")
    assert len(sent) == len(every_leg())
    indexes = {PositionSide.LONG: "1", PositionSide.SHORT: "2"}
    for request in every_leg():
        is_hedged = request.position_mode is PositionMode.HEDGE
        index = indexes[request.position_side] if is_hedged else "0"
        found = told(sent[request.client_order_id], "side", "positionIdx", "reduceOnly")
        assert found == (request.side.value, index, "true" if request.reduce_only else "-")
