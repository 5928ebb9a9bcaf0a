"""docs/signals.md as a new user follows it: alerts, curl and a script, with address, name and token of this test."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signals_app.models import SignalLog
from tests.browser.server import WebServer
from tests.signals_app.callers import JSON, post, until_known
from tests.signals_app.senders import a_sender

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "signals.md").read_text()
KEY = "a key that both of them know"
KNOWN = "TREND UP", "buy", "enter_long"


def blocks(title: str, kind: str) -> list[str]:
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)


def as_a_chart_fills_it_in(text: str) -> str:
    now = datetime.now(UTC)
    bar = now.replace(second=0, microsecond=0)
    values = {
        "exchange": "BINANCE",
        "ticker": "NOSUCHUSDT.P",
        "time": bar,
        "timenow": now,
        "close": "97250.4",
    }
    for name, value in values.items():
        shown = value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
        text = text.replace("{{" + name + "}}", shown)
    return text


@pytest.fixture
def token(web: WebServer) -> str:
    made = until_known(web, a_sender(rate_per_minute=0, signing_key=KEY))
    SignalLog.objects.all().delete()
    return made


def here(text: str, web: WebServer, token: str) -> str:
    text = text.replace("THE-SIGNING-KEY", KEY).replace("THE-TOKEN", token)
    return text.replace("127.0.0.1:8100", f"127.0.0.1:{web.port}")


def test_the_alerts_of_charts(web: WebServer, token: str) -> None:
    alerts = [json_ for json_ in blocks("TradingView", "json") if "webhook" not in json_]
    assert len(alerts) == 3
    for alert in alerts:
        said = post(web, "/webhook/charts/", as_a_chart_fills_it_in(here(alert, web, token)), JSON)
        assert (said.status, said.body["reason"]) == (200, "unknown ticker NOSUCHUSDT"), alert
    rows = SignalLog.objects.order_by("pk")
    assert list(rows.values_list("message", flat=True)) == list(KNOWN)
    assert token not in str(list(rows.values()))


def test_an_alert_that_no_chart_filled_in(web: WebServer, token: str) -> None:
    for alert in blocks("TradingView", "json")[:3]:
        assert post(web, "/webhook/charts/", here(alert, web, token)).status == 422


def test_the_templates_of_freqtrade(web: WebServer, token: str) -> None:
    (text,) = [one for one in blocks("TradingView", "json") if '"webhook"' in one]
    templates = json.loads(here(text, web, token))["webhook"]
    now = str(datetime.now(UTC))
    trade = {"trade_id": 17, "pair": "NOSUCH/USDT:USDT", "direction": "Long", "open_date": now, "close_date": now,
             "sub_trade": False, "is_final_exit": True}  # fmt: skip
    path = templates["url"].partition(str(web.port))[2]
    for kind in ("entry", "exit"):
        body = {name: value.format(**trade) for name, value in templates[kind].items()}
        said = post(web, path, json.dumps(body))
        assert (said.status, said.body["reason_code"], said.body["id"]) == (200, "unknown_ticker", "17")
    assert list(SignalLog.objects.order_by("pk").values_list("message", flat=True)) == [
        "entry long",
        "exit long",
    ]


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on this machine")
@pytest.mark.parametrize("number", [0, 1], ids=["plain", "signed"])
def test_curl(web: WebServer, token: str, number: int) -> None:
    if number and not shutil.which("openssl"):
        pytest.skip("no openssl on this machine")
    line = here(blocks("curl", "bash")[number], web, token)
    said = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], capture_output=True, timeout=30, check=True
    )
    answer = json.loads(said.stdout)
    assert answer["reason"] == "unknown ticker BTCUSDT"
    assert answer["id"] == (None if number else "a-1")
    assert SignalLog.objects.get().pk == answer["log_id"]


def test_the_script(web: WebServer, token: str, tmp_path: Path) -> None:
    (text,) = blocks("Python over the WebSocket", "python")
    script = tmp_path / "sender.py"
    script.write_text(here(text, web, token))
    said = subprocess.run(
        [sys.executable, str(script)], capture_output=True, timeout=60, check=True, text=True
    )
    welcome, answer = said.stdout.splitlines()
    assert json.loads(welcome) == {"type": "auth_success", "sender": "charts"}
    assert "'reason': 'unknown ticker BTCUSDT'" in answer
    assert "'id': 'a-1'" in answer
    assert SignalLog.objects.get().signal_id == "a-1"
