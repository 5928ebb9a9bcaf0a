"""docs/signals.md as a new user follows it: a line of a shell and a script that write into the stream."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from django.conf import settings

from signals_app.models import SignalLog
from signals_app.registry import load
from signals_app.sources import stream_consumer
from signals_app.sources.redis_stream import SignalStream, stream_client
from signals_app.sources.stream_consumer import StreamConsumer
from tests.builders import a_strategy, a_ticker, an_account
from tests.signals_app.stream_senders import Sender, stream_sender

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = (Path(__file__).resolve().parents[3] / "docs/signals.md").read_text()
SECTION = PAGE.partition("## The Redis stream")[2].partition("\n## ")[0]
SHELL, SCRIPT = (re.search(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL)[1] for kind in ("bash", "python"))
# where no redis-cli is installed: what it does with these words
STAND_IN = """#!{python}
import sys, redis
assert sys.argv[1] == "-u", sys.argv
print(redis.Redis.from_url("{url}").execute_command(*sys.argv[3:]).decode())
"""


@pytest.fixture
def sender() -> Iterator[Sender]:
    with stream_sender() as made:
        yield made


def row_of_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> SignalLog:
    """The strategy closes at this phrase, so that it needs no price."""
    a_ticker("BTCUSDT")
    a_strategy(an_account()).phrases.create(phrase="TREND UP", direction="close_long")
    monkeypatch.setattr(stream_consumer, "count_arrival", lambda *_: None)
    with stream_client() as client:
        consumer = StreamConsumer(SignalStream(client, "tests"), Event(), load)
        consumer.take_turn()
        consumer.end()
    return SignalLog.objects.get()


def test_the_line_of_a_shell(sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not settings.REDIS_URL.startswith("redis://") or shutil.which("redis-cli") is None:
        stand_in = tmp_path / "redis-cli"
        stand_in.write_text(STAND_IN.format(python=sys.executable, url=settings.REDIS_URL))
        stand_in.chmod(0o755)
    line = SHELL.replace("redis://127.0.0.1:6379/0", settings.REDIS_URL)
    found = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    told = subprocess.run(
        ["bash", "-c", line], env=os.environ | found, capture_output=True, text=True, check=True
    )
    row = row_of_what_was_sent(monkeypatch)
    assert (row.source, row.symbol, row.message, row.status) == ("stream", "BTCUSDT", "TREND UP", "new")
    assert told.stdout.strip() in row.delivery
    assert sender.is_worked_off()


def test_the_script(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    given = os.environ | {"REDIS_URL": settings.REDIS_URL}
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=given, capture_output=True, text=True, check=True
    )
    row = row_of_what_was_sent(monkeypatch)
    assert (row.source, row.status, row.entries.get().reason_code) == ("stream", "new", "nothing_to_close")
    assert "my script" in row.raw_message
    assert told.stdout.strip() == row.delivery
