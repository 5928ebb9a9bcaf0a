"""Bodies made for other programs: understood exactly, or refused with the field that is not followed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.signals_app.test_shapes import NOW, read, refusal

AT = "2026-03-01T12:20:00Z"
MOMENT = datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
ALERT: dict[str, Any] = {
    "ticker": "BTCUSDT.P", "exchange": "BINANCE", "message": "EMA UP", "time": "2026-03-01T12:15:00Z",
    "timenow": AT, "interval": "5", "close": "97250.4", "volume": "12", "token": "…", "id": "tv-1",
}  # fmt: skip
SIGNAL: dict[str, Any] = {
    "secret": "…", "max_lag": "300", "timestamp": AT, "trigger_price": "97250.4", "tv_exchange": "BINANCE",
    "tv_instrument": "BTCUSDT.P", "action": "enter_long", "bot_uuid": "0190f1a6-0000-7000-8000-000000000001",
}  # fmt: skip
ENTRY: dict[str, Any] = {
    "type": "entry", "trade_id": "17", "exchange": "binance", "pair": "BTC/USDT:USDT", "direction": "Long",
    "leverage": "3.0", "open_rate": "97250.4", "amount": "0.01", "open_date": "2026-03-01 12:20:00+00:00",
    "stake_amount": "324.1", "stake_currency": "USDT", "base_currency": "BTC", "order_type": "market",
    "enter_tag": "breakout", "fiat_currency": "USD", "current_rate": "97250.4",
}  # fmt: skip
EXIT: dict[str, Any] = {
    "type": "exit", "trade_id": "17", "pair": "BTC/USDT:USDT", "direction": "Short", "close_date": AT, "gain": "profit",
    "open_date": "2026-03-01 12:00:00+00:00", "profit_ratio": "0.01", "exit_reason": "roi", "close_rate": "97000",
    "sub_trade": "False", "is_final_exit": "True",
}  # fmt: skip


def said(body: dict[str, Any], **changes: Any) -> tuple[object, ...]:
    signal = read(body, **changes)
    return signal.symbol, signal.message, signal.bar_time, signal.sent_at, signal.signal_id


def test_an_alert_of_tradingview() -> None:
    bar = datetime(2026, 3, 1, 12, 15, tzinfo=UTC)
    assert said(ALERT) == ("BTCUSDT", "EMA UP", bar, MOMENT, "tv-1")
    assert said(ALERT, message=..., action="buy", timenow=..., exchange=..., id=...) == (
        "BTCUSDT", "buy", bar, None, None,
    )  # fmt: skip


def test_a_signal_for_a_signal_bot() -> None:
    assert said(SIGNAL) == ("BTCUSDT", "enter_long", MOMENT, MOMENT, None)
    assert (
        said(SIGNAL, action="Exit_Short", max_lag=..., timestamp=int(MOMENT.timestamp()))[1] == "exit_short"
    )


def test_a_message_of_freqtrade() -> None:
    assert said(ENTRY) == ("BTCUSDT", "entry long", MOMENT, MOMENT, "17")
    assert said(EXIT) == ("BTCUSDT", "exit short", MOMENT, MOMENT, "17")


def test_a_body_that_comes_twice_is_one_signal() -> None:
    for body in (ALERT, SIGNAL, ENTRY, EXIT):
        assert read(body).uid == read(dict(body)).uid
    assert read(ENTRY).uid != read(ENTRY, direction="Short").uid


SIZE = "size, price and exits are the strategy's"


@pytest.mark.parametrize(
    ("body", "changes", "code", "words"),
    [
        (ALERT, {"ticker": "{{ticker}}"}, "unfilled_placeholder", "ticker holds {{ticker}}"),
        (ALERT, {"message": "price {{plot_0}}"}, "unfilled_placeholder", "message holds {{plot_0}}"),
        (ALERT, {"time": "{{time}}"}, "unfilled_placeholder", "time holds {{time}}"),
        (ALERT, {"contracts": "0.5"}, "not_followed", "contracts in an alert of TradingView"),
        (ALERT, {"stop_loss": "90000", "leverage": 10}, "not_followed", "leverage, stop_loss in"),
        (ALERT, {"exchange": "NASDAQ"}, "bad_symbol", "'NASDAQ:BTCUSDT.P' is no perpetual contract"),
        (ALERT, {"time": ...}, "missing_field", "time is missing"),
        (ALERT, {"action": "buy"}, "unknown_shape", "action cannot be in an alert of TradingView"),
        (ALERT, {"time": "soon"}, "bad_field", "time is no time"),
        (SIGNAL, {"action": "buy"}, "bad_field", "action 'buy' is none of enter_long, exit_long"),
        (SIGNAL, {"action": "disable"}, "bad_field", "action 'disable' is none of"),
        (SIGNAL, {"timestamp": (NOW - timedelta(seconds=301)).isoformat()}, "stale", "its max_lag is 300"),
        (SIGNAL, {"max_lag": "soon"}, "bad_field", "max_lag must be a number"),
        (SIGNAL, {"timestamp": ...}, "missing_field", "timestamp is missing"),
        (SIGNAL, {"order": {"amount": "50", "currency_type": "margin_percent"}}, "not_followed", SIZE),
        (SIGNAL, {"take_profit": {"enabled": True}}, "not_followed", "take_profit in"),
        (SIGNAL, {"strategy_info": {"market_position": "flat"}}, "not_followed", "strategy_info in"),
        (SIGNAL, {"tv_exchange": "KRAKEN", "tv_instrument": "XBTEUR"}, "bad_symbol", "KRAKEN:XBTEUR"),
        (SIGNAL, {"tv_instrument": "{{ticker}}"}, "unfilled_placeholder", "tv_instrument holds {{ticker}}"),
        (ENTRY, {"type": "entry_fill"}, "not_a_signal", "entry_fill tells what happened to an order"),
        (ENTRY, {"type": "exit_cancel"}, "not_a_signal", "send entry and exit"),
        (ENTRY, {"type": "status"}, "not_a_signal", "type 'status' is none of entry, exit"),
        (ENTRY, {"direction": "both"}, "bad_field", "direction 'both' is none of long, short"),
        (ENTRY, {"open_date": ...}, "missing_field", "open_date is missing"),
        (ENTRY, {"sub_trade": True}, "not_followed", "only whole positions"),
        (ENTRY, {"stop_loss": "90000"}, "not_followed", "stop_loss in a message of freqtrade"),
        (EXIT, {"is_final_exit": "False"}, "not_followed", "only whole positions"),
        (EXIT, {"close_date": ...}, "missing_field", "close_date is missing"),
        (EXIT, {"pair": "BTC/EUR"}, "bad_symbol", "is no perpetual contract"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_followed_is_refused_with_its_name(body, changes, code, words) -> None:
    found, reason = refusal(body, **changes)
    assert found == code
    assert words in reason
