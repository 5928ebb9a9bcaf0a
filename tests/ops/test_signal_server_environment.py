"""Settings of the signal server under their old names, and what a start refuses."""

from __future__ import annotations

import pytest

from tradingbot.environment import BadEnvironment, Environment, load


@pytest.fixture
def given(monkeypatch, tmp_path):
    monkeypatch.setitem(Environment.model_config, "env_file", str(tmp_path / "none"))

    def given(**values: str) -> Environment:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return load()

    return given


def test_without_an_address_nothing_is_needed(given) -> None:
    found = given()
    assert (found.signal_ws_url, found.wave_check_minutes, found.max_trades_per_15min) == (
        "",
        [6, 20, 35, 50],
        5,
    )


def test_an_old_file_is_understood(given) -> None:
    found = given(
        SIGNAL_WS_URL="wss://signals.example:8765",
        SIGNAL_WS_TOKEN="abc",
        SIGNAL_WS_MAX_RECONNECT_ATTEMPTS="-1",
        WAVE_CHECK_MINUTES="3,18, 33;48",
        STOPLIST_SYMBOLS="BTCDOMUSDT; LUNAUSDT XAUUSDT",
        SIGNAL_BUFFER_PERCENT="33",
        MIN_SCORE_MONTH="62.5",
    )
    assert found.wave_check_minutes == [3, 18, 33, 48]
    assert found.stoplist_symbols == ["BTCDOMUSDT", "LUNAUSDT", "XAUUSDT"]
    assert (str(found.min_score_month), found.signal_buffer_percent) == ("62.5", 33)
    assert "abc" not in repr(found)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"SIGNAL_WS_URL": "http://x"}, "must start with ws:// or wss://"),
        ({"SIGNAL_WS_URL": "ws://x"}, "SIGNAL_WS_TOKEN must be set too"),
        ({"WAVE_CHECK_MINUTES": "6,60"}, "less than or equal to 59"),
        ({"WAVE_CHECK_MINUTES": "six"}, "WAVE_CHECK_MINUTES.0"),
        ({"SIGNAL_WS_URL": "ws://x", "SIGNAL_WS_TOKEN": "t", "WAVE_CHECK_MINUTES": ""}, "must name minutes"),
        ({"USE_SYMBOL_WHITELIST": "true"}, "WHITELIST_SYMBOLS is empty"),
        ({"SIGNAL_WS_RECONNECT_INTERVAL": "0"}, "greater than 0"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(given, values, sentence) -> None:
    with pytest.raises(BadEnvironment, match=sentence):
        given(**values)
