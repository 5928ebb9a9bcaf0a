"""What the world sends to a bot, and what is to be answered: for every door the same.

In `the_world()` BTCUSDT is a ticker, ETHUSDT one that is switched off, 1000PEPEUSDT is listed, no strategy listens.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.builders import a_ticker, an_instrument
from tests.signals_app.test_foreign_shapes import ALERT, ENTRY, EXIT, SIGNAL
from tests.signals_app.test_shapes import ACTION, ROW, WAVE

NOW = datetime.now(UTC)
THIS_MOMENT = b"this moment"
_bars = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number) for number in count())


@dataclass(frozen=True)
class Payload:
    name: str
    body: bytes
    code: str
    status: str = "ignored"

    @property
    def raw(self) -> bytes:
        """As it is sent now; a long test run would make it an old one."""
        return self.body.replace(THIS_MOMENT, datetime.now(UTC).isoformat().encode())

    @property
    def is_text(self) -> bool:
        try:
            self.raw.decode()
        except UnicodeDecodeError:
            return False
        return True


def the_world() -> None:
    a_ticker("BTCUSDT")
    a_ticker("ETHUSDT", enabled=False)
    an_instrument("BTC")
    an_instrument("1000PEPE")


def _json(body: dict[str, Any], **changes: Any) -> bytes:
    whole = {name: value for name, value in (body | changes).items() if value is not ...}
    return json.dumps(whole).encode()


def _own(**changes: Any) -> bytes:
    return _json({"symbol": "BTCUSDT", "message": "UP", "bar_time": next(_bars).isoformat()}, **changes)


def _wave(**changes: Any) -> bytes:
    return _json(WAVE, pair_symbol="BTCUSDT", **changes)


def _action(**changes: Any) -> bytes:
    return _json(ACTION, **{"created_at": next(_bars).isoformat()} | changes)


def _row(**changes: Any) -> bytes:
    return _json(ROW, **{"pair_symbol": "BTCUSDT", "created_at": next(_bars).isoformat()} | changes)


def _in_hours(hours: int) -> datetime:
    return NOW + timedelta(hours=hours)


NO_JSON = {
    "nothing": b"",
    "spaces": b" \r\n\t ",
    "a NUL": b"\x00",
    "many NULs": b"\x00" * 1000,
    "an alert in plain text": b"BTCUSDT crossing up 97000",
    "a form": b"symbol=BTCUSDT&message=UP&bar_time=1772366400",
    "XML": b'<?xml version="1.0"?><signal symbol="BTCUSDT"/>',
    "a page": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "YAML": b"symbol: BTCUSDT\nmessage: UP\n",
    "a FIX order": b"8=FIX.4.4\x019=112\x0135=D\x0155=BTCUSDT\x0154=1\x01",
    "a Python dict": b"{'symbol': 'BTCUSDT', 'message': 'UP'}",
    "JSONP": b'callback({"symbol": "BTCUSDT"})',
    "two objects": _own() + b"\n" + _own(),
    "a trailing comma": b'{"symbol": "BTCUSDT",}',
    "a comment": b'{"symbol": "BTCUSDT" /* up */}',
    "cut off": _own()[:-5],
    "only a brace": b"{",
    "a line break in a text": b'{"symbol": "BTC\nUSDT"}',
    "a template that nobody filled": b'{"symbol": {{ticker}}, "message": "UP"}',
    "UTF-16": _own().decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + _own(),
    "Latin-1": '{"message": "Käufe"}'.encode("latin-1"),
    "gzip": gzip.compress(_own()),
    "protobuf": b"\x0a\x07BTCUSDT\x12\x02UP\x18\x80\xe4\xc3\xcc\x06\xff",
    "a lone surrogate in bytes": b'{"message": "\xed\xa0\x80"}',
    "an endless array": b"[" * 20_000,
    "an endless object": b'{"a":' * 10_000,
    "a number without end": b'{"bar_time": ' + b"9" * 5000 + b"}",
    "not a number": b'{"bar_time": NaN}',
    "infinity": b'{"price": -Infinity}',
    "null": b"null",
    "an array of signals": b"[" + _own() + b"]",
    "a text": b'"BUY BTCUSDT"',
    "a number": b"42",
    "true": b"true",
    "a field twice": b'{"symbol": "BTCUSDT", "symbol": "ETHUSDT", "message": "UP"}',
    "a field twice, deep inside": b'{"symbol": "BTCUSDT", "a": {"b": 1, "b": 2}}',
}
MISSING = {
    "an empty object": b"{}",
    "of another world": b'{"hello": "world"}',
    "a chat message": b'{"update_id": 7, "text": "LONG BTC"}',
    "an exchange's frame": b'{"e": "bookTicker", "s": "BTCUSDT", "b": "97000.1"}',
    "without symbol": _own(symbol=...),
    "without message": _own(message=...),
    "an empty message": _own(message=""),
    "a message of spaces": _own(message="  "),
    "null for a symbol": _own(symbol=None),
    "without bar_time": _own(bar_time=...),
    "names in capitals": b'{"SYMBOL": "BTCUSDT", "MESSAGE": "UP", "TIME": 1772366400}',
    "wrapped": b'{"signal": ' + _own() + b"}",
    "a wave record without exchange": _wave(exchange_id=...),
    "a wave record without scores": _wave(score_week=..., score_month=...),
    "a wave record without its wave": _wave(timestamp=...),
    "an action without its time": _action(created_at=...),
    "a row of scores without its time": _row(created_at=...),
}
BAD = {
    "a symbol that is a number": _own(symbol=5),
    "a message that is a list": _own(message=["UP"]),
    "a NUL in the message": _own(message="U\x00P"),
    "an escape in the symbol": _own(symbol="BTC\x1bUSDT"),
    "half a character": _own(message="\ud83d"),
    "a message without end": _own(message="x" * 501),
    "yesterday": _own(bar_time="yesterday"),
    "a time that is true": _own(bar_time=True),
    "a bar of the far past": _own(bar_time="1970-01-01T00:00:00Z"),
    "a bar of the far future": _own(bar_time="2999-01-01T00:00:00Z"),
    "nanoseconds": _own(bar_time=1772366400000000000),
    "sent at no time": _own(sent_at="soon"),
    "an id that is an object": _own(signal_id={"id": 1}),
    "an id without end": _own(signal_id="x" * 101),
    "an id of two lines": _own(signal_id="a\nb"),
    "an unknown exchange": _wave(exchange_id=3),
    "exchange zero": _wave(exchange_id=0),
    "a score beyond the best": _wave(score_week=101),
    "a stop of nothing": _wave(stop_loss_filter=0),
    "a stop of more than all": _wave(stop_loss_filter=100),
    "a trail backwards": _wave(trailing_distance_filter=-0.5),
    "half a trade": _wave(max_trades_filter=0.5),
    "an action that is none": _wave(recommended_action="HOLD"),
    "an action of another bot": _action(action="flip"),
    "a strength in percent": _action(strength=85),
    "a stop on the wrong side": _action(stop_loss=60000),
    "a price below nothing": _action(entry_price=-1),
    "a score of the other scale": _row(score_week=71.4),
    "an exchange with two names": _row(exchange_name="bybit"),
}
BAD_SYMBOLS = {
    "a dated contract": _own(symbol="BTC/USDT:USDT-261225"),
    "a dated contract of the venue": _own(symbol="BTCUSDT_261225"),
    "an inverse contract": _own(symbol="BTC/USD:BTC"),
    "another exchange": _own(symbol="KRAKEN:BTCUSDT"),
    "letters that look alike": _own(symbol="\u0412TCUSDT"),
    "an injection": _own(symbol="BTC'; DROP TABLE positions; --"),
    "a path": _own(symbol="../../etc/passwd"),
    "a symbol without end": _own(symbol="X" * 4000),
}
UNKNOWN = {
    "a ticker nobody knows": _own(symbol="NOSUCHUSDT"),
    "markup for a message": _own(symbol="NOSUCHUSDT", message="<script>alert(1)</script>"),
    "an order form for a message": _own(symbol="NOSUCHUSDT", message="%s %d {0} {x} ${PATH}"),
    "a thousandth of what is listed": _own(symbol="PEPEUSDT"),
    "a spot pair": _own(symbol="BTCEUR"),
}
PLACEHOLDERS = {
    "a ticker that no chart filled in": _own(symbol="{{ticker}}"),
    "a text that no chart filled in": _own(message="{{strategy.order.action}}"),
    "times that no chart filled in": _own(bar_time="{{time}}", sent_at="{{timenow}}"),
    "a foreign alert that no chart filled in": _json(ALERT, ticker="{{ticker}}"),
}
WISHES = {
    "an alert with an amount": _json(ALERT, contracts="0.5"),
    "an alert with exits": _json(ALERT, stop_loss="90000", take_profit="99000"),
    "a bot's signal with an order": _json(SIGNAL, order={"amount": "50", "currency_type": "margin_percent"}),
    "a bot's signal of a strategy": _json(SIGNAL, strategy_info={"market_position": "flat"}),
    "a part of an exit": _json(EXIT, is_final_exit="False"),
}
TOLD = {
    "an entry that was filled": _json(ENTRY, type="entry_fill"),
    "an exit that was canceled": _json(EXIT, type="exit_cancel"),
}
PAYLOADS = (
    *(Payload(name, raw, "unfilled_placeholder") for name, raw in PLACEHOLDERS.items()),
    *(Payload(name, raw, "not_followed") for name, raw in WISHES.items()),
    *(Payload(name, raw, "not_a_signal") for name, raw in TOLD.items()),
    Payload("a bot's signal later than it may be", _json(SIGNAL), "stale"),
    Payload("a bot's action that is none", _json(SIGNAL, timestamp=THIS_MOMENT.decode(), action="buy"), "bad_field"),
    Payload(
        "a bot's signal for another exchange",
        _json(SIGNAL, timestamp=THIS_MOMENT.decode(), tv_exchange="KRAKEN"),
        "bad_symbol",
    ),
    Payload("a bot's signal without its moment", _json(SIGNAL, timestamp=...), "missing_field"),
    *(Payload(name, raw, "unreadable") for name, raw in NO_JSON.items()),
    *(Payload(name, raw, "missing_field") for name, raw in MISSING.items()),
    *(Payload(name, raw, "bad_field") for name, raw in BAD.items()),
    *(Payload(name, raw, "bad_symbol") for name, raw in BAD_SYMBOLS.items()),
    *(Payload(name, raw, "unknown_ticker") for name, raw in UNKNOWN.items()),
    Payload("larger than a signal is", _own(note="x" * 70_000), "too_large"),
    Payload("fields of two shapes", _wave(exchange_name="Bybit"), "unknown_shape"),
    Payload("of a ticker that is switched off", _own(symbol="ETHUSDT"), "ticker_off"),
    Payload("of last year", _own(sent_at="2025-01-01T00:00:00Z"), "stale"),
    Payload("of a clock that runs ahead", _own(sent_at=_in_hours(12).isoformat()), "clock_ahead"),
    Payload("of a time zone that was forgotten", _own(sent_at=_in_hours(3).isoformat()[:19]), "clock_ahead"),
    Payload("a phrase that nobody knows", _own(message="SELL EVERYTHING"), "no_strategy"),
    Payload("an emoji", _own(message="\N{ROCKET} LONG"), "no_strategy"),
    Payload("every field a text", _wave(exchange_id="2", score_week="71.4"), "stale"),
)  # fmt: skip
