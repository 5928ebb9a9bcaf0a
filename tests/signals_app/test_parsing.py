"""Any input gives a Signal or the reason why it is none."""

from __future__ import annotations

import json
import string
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.parsing import MAX_BYTES, Signal, Unreadable, parse
from signals_app.shapes.fields import MAX_MESSAGE

NOW = datetime(2026, 3, 1, 12, 5, 7, tzinfo=UTC)
BAR = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UUID = "0190f1a6-0000-7000-8000-000000000001"


def frame(**fields: object) -> str:
    whole = {"symbol": "BTCUSDT", "message": "TREND UP", "bar_time": BAR.isoformat()} | fields
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


def read(**fields: object) -> Signal:
    signal = parse(frame(**fields), NOW)
    assert isinstance(signal, Signal), signal
    return signal


def refusal(text: str | bytes) -> str:
    outcome = parse(text, NOW)
    assert isinstance(outcome, Unreadable), outcome
    return outcome.reason


def test_a_signal_as_it_should_be():
    signal = read(sent_at="2026-03-01T12:05:00Z", signal_id="websocket_test_123", action="open_long")
    assert signal == Signal(
        "BTCUSDT", "TREND UP", BAR, datetime(2026, 3, 1, 12, 5, tzinfo=UTC), "websocket_test_123"
    )


def test_bytes_and_text_are_one():
    assert parse(frame().encode(), NOW) == parse(frame(), NOW)


@pytest.mark.parametrize(
    "spelling",
    [
        "BTCUSDT", "btcusdt", "BTC/USDT", "BTC-USDT", "btc_usdt", "BTC/USDT:USDT", "BTCUSDT.P", "BTCUSDT.p",
        " BTCUSDT\n", "BINANCE:BTCUSDT.P", "bybit:btcusdt", "BTCUSDT_PERP", "BTCUSDTPERP", "BTC-USDT-SWAP",
        "BTCUSDT:USDT",
    ],
)  # fmt: skip
def test_spellings_of_one_symbol(spelling):
    assert read(symbol=spelling).symbol == "BTCUSDT"


@pytest.mark.parametrize(
    "other",
    [
        "BTC/USDT:USDT-261225", "BTC/USD:BTC", "KRAKEN:BTCUSDT",
        "BTCUSDT_261225", "B-TCUSDT", "BTC/USDT:USDC", "BTCUSDT:", "BTC USDT", "BTC.USDT", ".P", "/", "B",
        "X" * 21, "BTCUSDT.P.P", "\u0412TCUSDT", "BTC'; DROP TABLE", "\uff11\uff12\uff13USDT",
    ],
)  # fmt: skip
def test_what_is_no_perpetual_of_ours_is_not_taken_for_one(other):
    """A dated contract and the perpetual of its pair are two things to trade."""
    assert refusal(frame(symbol=other)).startswith("symbol ")


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-01T12:00:00Z", "2026-03-01T12:00:00+00:00", "2026-03-01T14:00:00+02:00", "2026-03-01 12:00:00",
        "2026-03-01T12:00", "1772366400", 1772366400, 1772366400.0, 1772366400000, "1772366400000",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["bar_time", "time"])
def test_spellings_of_one_moment(name, moment):
    signal = read(**{"bar_time": ...} | {name: moment})
    assert (signal.bar_time, signal.uid) == (BAR, read().uid)
    assert signal.bar_time.tzinfo is UTC


@pytest.mark.parametrize(
    "moment",
    [
        "yesterday", "12:00", "2026-13-01T00:00:00Z", "177236640", "0001-01-01T00:00:00+23:59", -1, 0, 5,
        10**4000, True, False, [], {}, [1772366400], "9999-12-31T23:59:59-23:59", 10**13, 99999999999999999,
        "2026-03-03T00:00:00Z", "1999-12-31T23:59:59Z", "\u0662026-03-01", "2026-03-01T12:00:00Z\x00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["bar_time", "sent_at"])
def test_moments_that_cannot_be(name, moment):
    assert refusal(frame(**{name: moment})).startswith(name)


def test_a_number_beyond_all_numbers_is_no_moment():
    """JSON has no infinity, but 1e999 becomes one."""
    assert refusal(frame(bar_time=7).replace("7}", "1e999}")).startswith("bar_time is no time")


def test_a_day_ahead_is_the_most():
    assert read(bar_time=(NOW + timedelta(days=1)).isoformat())
    assert "cannot be right" in refusal(frame(bar_time=(NOW + timedelta(days=1, seconds=1)).isoformat()))


@pytest.mark.parametrize("missing", [..., None, ""])
def test_without_a_bar_time_a_repeat_cannot_be_told(missing):
    assert refusal(frame(bar_time=missing)).startswith("bar_time is missing")


def test_without_sent_at_it_is_not_known():
    assert read(sent_at=None).sent_at is None
    assert read(sent_at="").sent_at is None


@pytest.mark.parametrize("name", ["symbol", "message"])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (..., "is missing"), (None, "is missing"), ("", "is missing"), (5, "must be text, not int"),
        (["TREND UP"], "must be text, not list"), (True, "must be text, not bool"), ({}, "must be text, not dict"),
        ("A\x00B", "control characters"), ("A\x1bB", "control characters"), ("\ud800", "control characters"),
        ("A\x85B", "control characters"),
    ],
)  # fmt: skip
def test_symbol_and_message_are_storable_text(name, value, says):
    assert refusal(frame(**{name: value})) == f"{name} {says}" or says in refusal(frame(**{name: value}))


@pytest.mark.parametrize("blank", [" ", "\n", " \t "])
def test_a_blank_message_is_none(blank):
    assert refusal(frame(message=blank)) == "message is missing"


def test_spaces_of_a_message_do_not_count():
    assert read(message="  TREND \t UP\r\n").message == "TREND UP"
    assert read(message="  TREND \t UP\r\n").uid == read().uid


def test_a_phrase_in_other_letters_is_the_same_signal():
    assert read(message="Trend up").uid == read(message="TREND UP").uid == read(message="trend UP").uid
    assert read(message="Trend up").message == "Trend up"


def test_a_message_has_a_length():
    assert len(read(message="x" * MAX_MESSAGE).message) == MAX_MESSAGE
    assert "longer than" in refusal(frame(message="x" * (MAX_MESSAGE + 1)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{not json", "not JSON"),
        ('{"symbol": "BTCUSDT"', "not JSON"),
        (frame() + frame(), "not JSON"),
        ("\ufeff" + frame(), "not JSON"),
        ("null", "not NoneType"),
        ("[]", "not list"),
        ("7", "not int"),
        ('"TREND UP"', "not str"),
        ("[" * 60_000, "too deep"),
        ('{"a":' * 12_000, "too deep"),
        ('{"bar_time": ' + "9" * 5000 + "}", "too long"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": -Infinity}', "-Infinity is not a number"),
        ('{"symbol": "BTCUSDT", "symbol": "ETHUSDT"}', "given twice"),
        ('{"a": {"b": 1, "b": 1}}', "given twice"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"\xed\xa0\x80", "not UTF-8"),
        (" " * (MAX_BYTES + 1), "larger than"),
        (b" " * (MAX_BYTES + 1), "larger than"),
        ("é" * (MAX_BYTES // 2 + 1), "larger than"),
    ],
)
def test_frames_that_are_no_signal(text, says):
    assert says in refusal(text)


@pytest.mark.parametrize(
    ("given", "stored"),
    [("websocket_test_123", "websocket_test_123"), (7, "7"), (0, "0"), (UUID, UUID), ("x" * 100, "x" * 100)],
)
@pytest.mark.parametrize("name", ["signal_id", "id"])
def test_ids_become_text(name, given, stored):
    assert read(**{name: given}).signal_id == stored


@pytest.mark.parametrize("nothing", [..., None, "", "  ", "unknown", "Pending", "NONE", "null"])
def test_no_id_is_none_and_never_a_word(nothing):
    assert read(signal_id=nothing).signal_id is None
    assert read(id=nothing).signal_id is None


def test_the_own_name_of_the_id_comes_first_and_the_other_fills_in():
    assert read(signal_id="a", id="b").signal_id == "a"
    assert read(signal_id=None, id="b").signal_id == "b"


@pytest.mark.parametrize("wrong", [True, False, 1.5, [1], {"id": 1}, "x" * 101, "a\x00b", "a\nb", "\ud800"])
def test_ids_of_no_shape_are_refused(wrong):
    assert refusal(frame(signal_id=wrong)).startswith("signal id must be")


def test_what_makes_a_signal_another_one():
    known = read().uid
    assert len(known) == 64
    assert known == read(signal_id="other", sent_at=NOW.isoformat(), action="x", symbol="BTC/USDT").uid
    others = {read(symbol="ETHUSDT").uid, read(message="TREND DOWN").uid, read(bar_time=1772366401).uid}
    assert len(others | {known}) == 4


def test_fields_cannot_run_into_each_other():
    assert read(symbol="AB", message="C D").uid != read(symbol="ABC", message="D").uid


def test_the_uid_is_the_same_in_every_process():
    code = (
        "from datetime import *; from signals_app.parsing import Signal;"
        "print(Signal('BTCUSDT', 'TREND UP', datetime(2026,3,1,12,tzinfo=UTC), None, None).uid)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == read().uid


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["symbol", "message", "bar_time", "time", "sent_at", "signal_id", "id", "action"])
NEARLY = st.one_of(
    JSON,
    st.text(string.ascii_letters + "/-_:.P \n\x00", max_size=30),
    st.datetimes().map(str),
    st.uuids(version=4).map(str),
    st.integers(1772366400, 1772366400000),
)


def _check(text: str | bytes) -> None:
    outcome = parse(text, NOW)
    if isinstance(outcome, Unreadable):
        assert outcome.reason
        outcome.reason.encode()  # can be stored and sent
        assert "\x00" not in outcome.reason
        return
    assert isinstance(outcome, Signal)
    stored = outcome.symbol + outcome.message + (outcome.signal_id or "")
    assert "\x00" not in stored
    assert len(stored.encode())
    assert len(outcome.uid) == 64
    assert outcome.signal_id is None or 1 <= len(outcome.signal_id) <= 100


@given(st.text() | st.binary())
def test_no_frame_raises(text):
    _check(text)


@given(JSON.map(json.dumps))
def test_no_json_raises(text):
    _check(text)


@given(st.dictionaries(NAMES, NEARLY))
def test_no_object_with_our_fields_raises(fields):
    _check(json.dumps(fields))
    _check(frame(**fields))


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=2, max_size=20), st.uuids(), st.datetimes(
    datetime(2000, 1, 2), datetime(2026, 2, 28)))  # fmt: skip
def test_every_good_signal_is_read(symbol: str, identity: uuid.UUID, moment: datetime):
    signal = read(symbol=symbol.lower(), signal_id=str(identity), bar_time=moment.isoformat())
    assert (signal.symbol, signal.signal_id) == (symbol, str(identity))
    assert signal.bar_time == moment.replace(tzinfo=UTC)
