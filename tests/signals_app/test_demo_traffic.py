from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from exchanges.paper.demo import DEMO_RULES
from ops import demo
from signals_app.demo_traffic import ENTRIES, MALFORMED, SYMBOLS, DemoTraffic
from signals_app.models import SignalAttempt, SignalLog
from signals_app.parsing import Signal, Unreadable, parse
from tests.browser.server import WebServer
from tests.ops.waiting import until
from tests.signals_app.senders import a_sender, address, is_known
from tests.trailing.processes import child


def frames(seed: int = 11, number: int = 1000) -> list[str]:
    return list(islice(DemoTraffic(seed).frames(), number))


def later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def test_the_demo_trades_what_the_paper_exchange_lists() -> None:
    assert set(SYMBOLS) <= {rules.symbol for rules in DEMO_RULES}


def test_the_demo_strategies_know_its_phrases() -> None:
    known = {phrase for strategy in demo.STRATEGIES for phrase in strategy.phrases}
    assert {*ENTRIES, "BREAKOUT OVER", "NEWS SPIKE"} <= known


def test_good_and_bad_come_mixed() -> None:
    made = frames()
    read = [parse(frame, later()) for frame in made]
    signals = [one for one in read if isinstance(one, Signal)]
    uids = Counter(one.uid for one in signals)
    assert sum(isinstance(one, Unreadable) for one in read) > 30
    assert sum(count - 1 for count in uids.values()) > 30, "repeats"
    assert {one.symbol for one in signals} >= {*SYMBOLS, "NOSUCHUSDT"}
    assert {one.message for one in signals} >= {*ENTRIES, "BREAKOUT OVER", "NEWS SPIKE"}
    ids = [one.signal_id for one in signals]
    assert None in ids
    assert any(text and text.isdigit() for text in ids)
    assert any(text and text.startswith("demo-") for text in ids)
    assert any(text and len(text) == 36 for text in ids)


def test_every_spelling_of_a_symbol_is_used_and_read() -> None:
    given = {json.loads(frame).get("symbol") for frame in frames() if frame not in MALFORMED}
    assert {"BTCUSDT", "BTC/USDT", "BTCUSDT.P", "BTC-USDT"} <= given


def test_the_same_seed_makes_the_same_kinds_in_the_same_order() -> None:
    def kinds(seed: int) -> list[object]:
        read = [parse(frame, later()) for frame in frames(seed, 200)]
        return [(one.symbol, one.message) if isinstance(one, Signal) else one for one in read]

    assert kinds(3) == kinds(3)
    assert kinds(3) != kinds(4)


def test_the_sender_talks_to_the_real_door(web: WebServer, tmp_path: Path) -> None:
    token = a_sender("demo")
    until(lambda: is_known(web, token), "the sender to be known")
    command = ("manage.py", "send_demo_signals", "--url", address(web), "--every", "0.005")
    with child(*command, log=tmp_path / "log", DEMO_SIGNAL_TOKEN=token):
        until(lambda: SignalLog.objects.count() >= 20 and SignalAttempt.objects.exists(), "twenty signals")
    assert set(SignalLog.objects.values_list("source", flat=True)) == {"websocket:demo"}
    reasons = " ".join(SignalLog.objects.values_list("reason", flat=True))
    assert "unknown ticker" in reasons


def test_the_sender_waits_for_a_door_that_is_not_there(web: WebServer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = ("manage.py", "send_demo_signals", "--url", address(web))
    with child(*command, log=log, DEMO_SIGNAL_TOKEN="wrong"):
        until(lambda: "not connected (ConnectionError); trying again" in log.read_text(), "a refusal")


@pytest.mark.parametrize("url", ["", "ws://127.0.0.1:9/ws/signals/"])
def test_the_sender_says_what_it_needs(url: str) -> None:
    with pytest.raises(CommandError, match=r"Set SIGNALS_URL .* and DEMO_SIGNAL_TOKEN"):
        call_command("send_demo_signals", url=url)
