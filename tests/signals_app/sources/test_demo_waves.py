"""Made-up waves are the same for the same seed, and signals that the intake understands."""

from __future__ import annotations

from datetime import timedelta

from signals_app.contracts import Contracts
from signals_app.parsing import Signal
from signals_app.selection import WaveRules, read_record, select
from signals_app.sources.demo_waves import PAIRS, QUARTER, wave, window
from signals_app.waves import expected_wave
from tests.signals_app.wave_records import WAVE

CHECK = WAVE + timedelta(minutes=20)


def test_one_seed_is_one_wave_and_another_is_another() -> None:
    assert wave(7, WAVE) == wave(7, WAVE)
    assert wave(7, WAVE) != wave(8, WAVE)
    assert wave(7, WAVE) != wave(7, WAVE + QUARTER)


def test_at_a_check_minute_the_expected_wave_is_there_fresh_and_understood() -> None:
    for seed in range(20):
        told = [read_record(fields, CHECK, Contracts()) for fields in window(seed, CHECK, 60)]
        ours = [one for one in told if one.wave_time == expected_wave(CHECK)]
        assert all(isinstance(one.signal, Signal) for one in told)
        assert all(timedelta(0) < CHECK - one.signal.sent_at < timedelta(minutes=5) for one in ours)
        assert {one.exchange for one in ours} == {"binance", "bybit"}
        assert select(ours, "binance", WaveRules(), frozenset(PAIRS)).target == 3


def test_a_window_holds_earlier_waves_and_nothing_from_the_future() -> None:
    records = [read_record(fields, CHECK, Contracts()) for fields in window(7, CHECK, 60)]
    assert len({one.wave_time for one in records}) == 4
    early = window(7, WAVE + QUARTER, 60)
    assert WAVE.isoformat() not in {record["timestamp"] for record in early}
