"""docs/first-signal.md as a new owner follows it, with address and token of this test."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command

from ops.desk import setting_up
from ops.first_minute import BTC_CLIMBS, FIRST_MINUTE, LASTS, SOL_FALLS, THE_FEED_IS_LOST
from ops.plan import read_plan
from signals_app.models import SignalLog
from tests.browser.server import WebServer
from tests.builders import a_strategy, a_ticker, an_account
from tests.ops.waiting import until
from tests.signals_app.callers import until_known
from tests.signals_app.senders import a_sender

BASE = Path(__file__).resolve().parents[2]
PAGE = (BASE / "docs" / "first-signal.md").read_text()
COMMANDS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
CURL = next(one for one in COMMANDS if one.startswith("curl"))


def what_the_page_sets_up() -> None:
    strategy = a_strategy(an_account(name="mine"), name="first")
    strategy.phrases.create(phrase="GO LONG", direction="long")
    a_ticker("BTCUSDT")


def test_each_start_of_the_page_is_understood(tmp_path: Path) -> None:
    targets = re.findall(r"^(\w+):", (BASE / "Makefile").read_text(), re.MULTILINE)
    told = re.findall(r'make (\w+)(?: ARGS="([^"]*)")?', PAGE)
    assert {target for target, _ in told} <= set(targets)
    plans = {options: read_plan(shlex.split(f"--demo {options}"), base=tmp_path) for _, options in told}
    assert plans[""].tells_first_minute
    assert plans["--no-demo --data var/own"].has_demo is False


@pytest.mark.django_db
def test_setup_shows_the_command_of_the_page() -> None:
    what_the_page_sets_up()
    a_sender("charts")
    assert setting_up.first_signal("http://127.0.0.1:8100/webhook/") == ("charts", CURL.strip())


def test_the_command_is_taken_and_its_story_is_told(
    web: WebServer, capsys: pytest.CaptureFixture[str]
) -> None:
    what_the_page_sets_up()
    token = until_known(web, a_sender("charts", rate_per_minute=0))
    SignalLog.objects.all().delete()
    command = CURL.replace("THE-TOKEN", token).replace("127.0.0.1:8100", f"127.0.0.1:{web.port}")
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    answer = json.loads(said)
    assert answer["status"] == "new", said
    until(SignalLog.objects.filter(pk=answer["log_id"]).exists, "its row")
    (explain,) = [one for one in COMMANDS if "explain" in one]
    words = shlex.split(explain)[2:-1]
    assert words == ["explain", "signal"]
    call_command(*words, str(answer["log_id"]))
    assert "GO LONG" in capsys.readouterr().out


def test_the_minute_of_the_page_is_the_minute_of_the_demo() -> None:
    section = PAGE.partition("tells its first minute by itself:")[2].partition("\n\nPress")[0]
    seconds = [int(at) for at in re.findall(r"^\| (\d+) s \|", section, re.MULTILINE)]
    told = {beat.at for beat in FIRST_MINUTE}
    over = THE_FEED_IS_LOST.at + THE_FEED_IS_LOST.act.seconds  # type: ignore[union-attr]
    assert seconds[1] == BTC_CLIMBS[0].at
    assert seconds[4] == SOL_FALLS[0].at + 1
    assert {*seconds} <= {0, *told, SOL_FALLS[0].at + 1, over, LASTS}
