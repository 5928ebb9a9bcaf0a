"""The topology of compose.yaml, started by hand: two workers for each queue, two readers of the stream, one beat, one
market process. Every signal is decided once, every order is sent once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path

import pytest
import yaml
from celery import current_app
from django.db.models import Count

from exchanges import session
from exchanges.models import AccountBalance, ExchangeAccount
from exchanges.paper.demo import DEMO_PRICES
from ops.report.evidence import ORDER_PATHS
from positions.lifecycle import OrderStatus, PositionStatus
from positions.models import Order, Position
from positions.services.instruments import refresh_instruments
from signals_app.models import SignalAttempt, SignalLog, SignalLogEntry, Ticker
from signals_app.sources.redis_stream import CONSUMER_PREFIX, GROUP
from tests.builders import a_strategy, an_account
from tests.integration.parts import Paper, Part
from tests.integration.stack import PHRASES
from tests.ops.waiting import until
from tests.signals_app.stream_senders import Sender, stream_sender
from tradingbot.environment import BASE_DIR

ELSEWHERE = {"postgres", "redis", "prepare", "paper", "web", "doors"}
ROUNDS = 3
_minutes = count(1)


def processes(folder: Path, paper: Paper) -> Iterator[Part]:
    """As compose starts them; a container has a host name of its own, here the number is in the node's name."""
    for name, service in yaml.safe_load((BASE_DIR / "compose.yaml").read_text())["services"].items():
        for number in range(service.get("deploy", {}).get("replicas", 1) if name not in ELSEWHERE else 0):
            command = [word.replace("@%h", f"{number}@%h") for word in service["command"][1:]]
            given = {"PAPER_EXCHANGE_URL": paper.url, "MAX_PRICE_AGE_SECONDS": "30"}
            yield Part(folder / f"{name}-{number}-log", *command, **given)


@pytest.fixture
def paper(transactional_db, settings, tmp_path: Path) -> Iterator[Paper]:
    made = Paper(tmp_path)
    made.start()
    for symbol, price in DEMO_PRICES.items():
        made.set_price(symbol, price)
    settings.PAPER_EXCHANGE_URL = made.url
    yield made
    session.close_all()
    made.stop()


@pytest.fixture
def account(paper: Paper) -> ExchangeAccount:
    made = an_account(max_open_positions=50, max_exposure=1_000_000)
    refresh_instruments()
    strategy = a_strategy(made, notional=1000, leverage=5, max_open_positions=50, opposite_signal="hedge")
    for phrase, direction in PHRASES.items():
        strategy.phrases.create(phrase=phrase, direction=direction)
    for symbol in DEMO_PRICES:
        Ticker.objects.get_or_create(symbol=symbol)
    return made


@pytest.fixture
def running(account: ExchangeAccount, paper: Paper, tmp_path: Path) -> Iterator[None]:
    with ExitStack() as life:
        for part in processes(tmp_path, paper):
            part.start()
            life.callback(part.stop)
        until(lambda: len(current_app.control.inspect(timeout=2).ping() or {}) == 6, "six workers", 120)
        until(AccountBalance.objects.exists, "the first comparison", 120)
        yield


def say_twice(sender: Sender, phrase: str) -> int:
    for symbol in DEMO_PRICES:
        bar = (datetime.now(UTC) - timedelta(minutes=next(_minutes))).isoformat()
        for _ in range(2):
            sender.add(symbol=symbol, message=phrase, bar_time=bar)
    return len(DEMO_PRICES)


def is_quiet() -> bool:
    moving = (PositionStatus.OPENING, PositionStatus.CLOSING)
    pending = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED, OrderStatus.PENDING_CANCEL)
    return not (
        Position.objects.filter(status__in=moving).exists()
        or Order.objects.filter(status__in=pending).exists()
    )


def sent(paper: Paper) -> Counter[str]:
    """How often each order was asked for, whatever the answer."""
    lines = [line for line in paper.logged() if line["method"] == "POST" and line["path"] in ORDER_PATHS]
    return Counter(line["params"][ORDER_PATHS[line["path"]]] for line in lines)


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_with_two_of_each_every_signal_is_decided_once_and_every_order_sent_once(
    running: None, paper: Paper
) -> None:
    said = 0
    with stream_sender() as sender:
        for _, phrase in product(range(ROUNDS), PHRASES):
            said += say_twice(sender, phrase)
            until(sender.is_worked_off, f"{phrase} to be worked off", 60)
            until(is_quiet, f"what follows from {phrase}", 60)
        readers = [one["name"] for one in sender.redis.xinfo_consumers(sender.stream, GROUP)]
        assert len([name for name in readers if name.startswith(CONSUMER_PREFIX)]) == 2, readers
        assert sender.dead_letters() == []
    assert (SignalLog.objects.count(), SignalAttempt.objects.count()) == (said, said)
    decided = SignalLogEntry.objects.values("log").annotate(times=Count("pk"))
    assert {row["times"] for row in decided} == {1}
    assert decided.count() == said
    became = Counter(SignalLogEntry.objects.values_list("status", flat=True))
    assert became == {"opened": said // 2, "closed": said // 2}
    assert Counter(Position.objects.values_list("status", flat=True)) == {"closed": said // 2}
    asked = sent(paper)
    assert set(asked.values()) == {1}
    wanted = Order.objects.exclude(submitted_at=None)
    assert set(asked) == set(wanted.values_list("client_order_id", flat=True))
    assert wanted.filter(purpose="entry").count() == said // 2
