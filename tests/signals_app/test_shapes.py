"""Each known body becomes the signal it means; what fits none, or says what cannot be, is told why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals_app.parsing import Signal, Unreadable, parse
from signals_app.reasons import ReasonCode
from signals_app.shapes.signal import Details

NOW = datetime(2026, 3, 1, 12, 22, tzinfo=UTC)

WAVE: dict[str, Any] = {
    "id": 7001, "pair_symbol": "ADAUSDT", "recommended_action": "SELL", "score_week": 71.4, "score_month": 66.0,
    "timestamp": "2026-03-01T12:00:00+00:00", "created_at": "2026-03-01T12:20:41+00:00", "trading_pair_id": 412,
    "exchange_id": 2, "max_trades_filter": 5, "stop_loss_filter": 3.5, "trailing_activation_filter": 2.0,
    "trailing_distance_filter": 0.5,
}  # fmt: skip
ACTION: dict[str, Any] = {
    "id": "a-1", "source": "desk", "symbol": "BTC/USDT", "action": "open_long", "strength": 0.85,
    "entry_price": 50000, "stop_loss": 49000, "take_profit": 52000, "created_at": "2026-03-01T12:20:00Z",
}  # fmt: skip
ROW: dict[str, Any] = {
    "id": 12024414, "trading_pair_id": 412, "pair_symbol": "ADAUSDT", "exchange_id": 1, "exchange_name": "Binance",
    "score_week": 0.714, "score_month": 0.66, "recommended_action": "BUY", "patterns_details": {"a": 1},
    "combinations_details": {}, "created_at": "2026-03-01T12:20:41",
}  # fmt: skip


def outcome(body: dict[str, Any], **changes: Any) -> Signal | Unreadable:
    whole = {name: value for name, value in (body | changes).items() if value is not ...}
    return parse(json.dumps(whole), NOW)


def read(body: dict[str, Any], **changes: Any) -> Signal:
    signal = outcome(body, **changes)
    assert isinstance(signal, Signal), signal
    return signal


def refusal(body: dict[str, Any], **changes: Any) -> tuple[str, str]:
    unreadable = outcome(body, **changes)
    assert isinstance(unreadable, Unreadable), unreadable
    return unreadable.code, unreadable.reason


def test_a_wave_record_says_its_action_for_its_wave_on_its_exchange() -> None:
    wave = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert read(WAVE) == Signal(
        "ADAUSDT", "SELL", wave, datetime(2026, 3, 1, 12, 20, 41, tzinfo=UTC), "7001",
        Details(
            exchange="bybit", score_week=Decimal("71.4"), score_month=Decimal("66.0"), max_trades=5,
            stop_loss_percent=Decimal("3.5"), trailing_activation_percent=Decimal("2.0"),
            trailing_distance_percent=Decimal("0.5"),
        ),
    )  # fmt: skip


def test_a_wave_is_a_quarter_of_an_hour() -> None:
    """The same symbol and action of one wave is one signal, whatever its id, scores and second."""
    known = read(WAVE).uid
    same = (
        {"timestamp": "2026-03-01T12:14:59Z"}, {"timestamp": 1772366400}, {"id": ...}, {"score_week": 1},
        {"recommended_action": "short"}, {"pair_symbol": "ADA/USDT"}, {"created_at": ...},
    )  # fmt: skip
    others = (
        {"timestamp": "2026-03-01T12:15:00Z"}, {"exchange_id": 1}, {"recommended_action": "BUY"},
        {"pair_symbol": "SOLUSDT"},
    )  # fmt: skip
    assert {read(WAVE, **change).uid for change in same} == {known}
    assert len({read(WAVE, **change).uid for change in others} | {known}) == 5


def test_filters_are_optional_and_numbers_may_be_text_as_streams_carry_them() -> None:
    filters = [name for name in WAVE if name.endswith("_filter")]
    assert read(WAVE, **dict.fromkeys(filters, ...)).details.max_trades is None
    assert read(WAVE, **dict.fromkeys(filters)).details.stop_loss_percent is None
    texts = {name: str(value) for name, value in WAVE.items()}
    assert read(texts) == read(WAVE)


def test_an_action_signal_is_one_by_its_time_of_creation() -> None:
    created = datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
    assert read(ACTION) == Signal(
        "BTCUSDT", "open_long", created, created, "a-1",
        Details(
            strength=Decimal(85), entry_price=Decimal(50000), stop_loss_price=Decimal(49000),
            take_profit_price=Decimal(52000),
        ),
    )  # fmt: skip
    assert read(ACTION, created_at="2026-03-01T12:20:01Z").uid != read(ACTION).uid
    short = read(ACTION, action="OPEN_SHORT", stop_loss=52000, take_profit=49000)
    assert short.message == "open_short"


def test_a_row_of_scores_has_another_scale_and_names_its_exchange_twice() -> None:
    signal = read(ROW)
    assert (signal.symbol, signal.message, signal.signal_id) == ("ADAUSDT", "BUY", "12024414")
    assert signal.bar_time == signal.sent_at == datetime(2026, 3, 1, 12, 20, 41, tzinfo=UTC)
    assert signal.details == Details(
        exchange="binance", score_week=Decimal("71.4"), score_month=Decimal("66")
    )


def test_a_score_is_never_guessed_to_be_of_the_other_scale() -> None:
    assert read(WAVE, score_week=0.7).details.score_week == Decimal("0.7")
    assert refusal(ROW, score_week=70)[1] == "score_week 70 is not from 0 to 1"


@pytest.mark.parametrize(
    ("body", "changes", "code", "says"),
    [
        (WAVE, {"exchange_id": 3}, "bad_field", "exchange_id 3 is neither 1 (Binance) nor 2 (Bybit)"),
        (WAVE, {"exchange_id": "1.5"}, "bad_field", "exchange_id '1.5' is neither"),
        (WAVE, {"exchange_id": True}, "bad_field", "exchange_id must be a number, not bool"),
        (WAVE, {"exchange_id": ...}, "missing_field", "exchange_id is missing in a wave record"),
        (WAVE, {"score_week": None, "score_month": ...}, "missing_field",
         "score_week and score_month are missing in a wave record"),
        (WAVE, {"score_week": 100.1}, "bad_field", "score_week 100.1 is not from 0 to 100"),
        (WAVE, {"score_month": -1}, "bad_field", "score_month -1 is not from 0 to 100"),
        (WAVE, {"recommended_action": "HOLD"}, "bad_field", "'hold' is none of buy, sell, long, short"),
        (WAVE, {"timestamp": "soon"}, "bad_field", "timestamp is no time"),
        (WAVE, {"stop_loss_filter": 0}, "bad_field", "stop_loss_filter 0 is no percent between 0 and 100"),
        (WAVE, {"stop_loss_filter": 100}, "bad_field", "stop_loss_filter 100 is no percent"),
        (WAVE, {"stop_loss_filter": -2}, "bad_field", "stop_loss_filter -2 is no percent"),
        (WAVE, {"stop_loss_filter": [2]}, "bad_field", "stop_loss_filter must be a number, not list"),
        (WAVE, {"trailing_distance_filter": 250}, "bad_field", "trailing_distance_filter 250 is no percent"),
        (WAVE, {"trailing_activation_filter": 1e9}, "bad_field", "trailing_activation_filter 1000000000 is no percent"),
        (WAVE, {"max_trades_filter": 0}, "bad_field", "max_trades_filter 0 is no whole number from 1 to 1000"),
        (WAVE, {"max_trades_filter": 2.5}, "bad_field", "max_trades_filter 2.5 is no whole number"),
        (WAVE, {"exchange_name": "Bybit"}, "unknown_shape", "timestamp cannot be in a row of scores"),
        (WAVE, {"pair_symbol": "ADA/USDT:USDT-261225"}, "bad_symbol", "is no perpetual contract"),
        (ACTION, {"action": "hold"}, "bad_field", "action 'hold' is none of open_long"),
        (ACTION, {"action": 5}, "bad_field", "action must be text, not int"),
        (ACTION, {"created_at": ...}, "missing_field", "created_at is missing in an action signal"),
        (ACTION, {"strength": 85}, "bad_field", "strength 85 is not from 0 to 1"),
        (ACTION, {"stop_loss": 51000}, "bad_field", "stop_loss 51000 is not below entry_price 50000"),
        (ACTION, {"take_profit": 49500}, "bad_field", "entry_price 50000 is not below take_profit 49500"),
        (ACTION, {"action": "open_short"}, "bad_field", "as open_short needs it"),
        (ACTION, {"entry_price": -1}, "bad_field", "entry_price -1 is no price"),
        (ROW, {"exchange_name": "bybit"}, "bad_field", "exchange_name 'bybit' contradicts exchange_id 1"),
        (ROW, {"exchange_name": "kraken"}, "bad_field", "exchange_name 'kraken' contradicts exchange_id 1"),
        (ROW, {"created_at": ...}, "missing_field", "created_at is missing in a row of scores"),
        ({"hello": "world"}, {}, "missing_field", "symbol and message are missing"),
        ({}, {}, "missing_field", "symbol and message are missing"),
        ({"pair_symbol": "ADAUSDT"}, {}, "missing_field", "are missing in a wave record"),
    ],
)  # fmt: skip
def test_what_fits_no_shape_or_cannot_be_is_refused(body, changes, code, says) -> None:
    found, reason = refusal(body, **changes)
    assert found == code
    assert says in reason


@pytest.mark.parametrize("body", [WAVE, ACTION, ROW])
def test_what_was_said_beside_the_signal_survives_its_row(body) -> None:
    details = read(body).details
    assert Details.from_json(json.loads(json.dumps(details.as_json()))) == details
    assert details.as_json()


@pytest.mark.parametrize("name", ["exchange_id", "score_week", "max_trades_filter", "stop_loss_filter"])
@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e300", "9" * 400])
def test_numbers_beyond_all_numbers(name, number) -> None:
    body = json.dumps(WAVE | {name: 0.123456789}).replace("0.123456789", number)
    found = parse(body, NOW)
    assert isinstance(found, Unreadable)
    assert found.reason == f"{name} is larger than any number of a signal"


def test_a_signal_that_says_more_than_one_thing_is_taken_by_its_message() -> None:
    mixed = {"symbol": "BTCUSDT", "message": "UP", "bar_time": "2026-03-01T12:20:00Z"} | ACTION
    assert read(mixed).message == "UP"
    assert read(mixed).details == Details()


def test_nothing_of_tomorrow_is_a_signal() -> None:
    tomorrow = (NOW + timedelta(days=2)).isoformat()
    assert refusal(WAVE, timestamp=tomorrow)[0] == ReasonCode.BAD_FIELD
    assert refusal(ACTION, created_at=tomorrow)[0] == ReasonCode.BAD_FIELD


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.lists(st.integers(), max_size=2),
    st.sampled_from([value for body in (WAVE, ACTION, ROW) for value in body.values()]),
    st.sampled_from(["BUY", "close_short", "1e999", "-0", "0.5", "10" * 30, 10**400, 1e308, -0.0]),
)  # fmt: skip


@given(st.sampled_from([WAVE, ACTION, ROW]), st.data())
def test_no_body_that_is_nearly_known_raises(body, data) -> None:
    """And whatever is read can be kept and read again."""
    fields = data.draw(st.lists(st.sampled_from(sorted({*WAVE, *ACTION, *ROW, "message"})), max_size=4))
    found = outcome(body, **{name: data.draw(VALUES) for name in fields})
    if isinstance(found, Unreadable):
        assert found.reason.encode()
        assert found.code in set(ReasonCode)
        return
    assert Details.from_json(json.loads(json.dumps(found.details.as_json()))) == found.details
    percents = [found.details.stop_loss_percent, found.details.trailing_distance_percent]
    assert all(0 < percent < 100 for percent in percents if percent is not None)
    scores = [found.details.score_week, found.details.score_month, found.details.strength]
    assert all(0 <= score <= 100 for score in scores if score is not None)
