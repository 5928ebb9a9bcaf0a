"""One seed: an account, signals, trouble; then quiet, and the questions whose answers must be empty lists."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from django.utils import timezone
from websockets.exceptions import WebSocketException

from exchanges.paper.demo import DEMO_PRICES
from tests.campaign.process_checks import Baseline, contradictions
from tests.campaign.process_owner import Owners
from tests.campaign.process_trouble import Trouble, wait
from tests.integration.stack import PHRASES, Stack, Trader
from tests.ops.waiting import until

ACTS = 30
FEWEST_ORDERS = 5
CALM_ACTS = 200  # where killed processes start slowly: what is sent while nobody is killed any more
QUIET_SECONDS = 120.0
ASK_AGAIN_SECONDS = 1.5  # asking costs the account's own budget of requests
PHRASE_WEIGHTS = (6, 6, 1, 1)


@dataclass
class Story:
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0


def tell(stack: Stack, seed: int, venue: str = "binance", acts: int = ACTS) -> Story:
    story, began, random = Story(seed), time.monotonic(), Random(f"processes {seed}")
    trader = Trader(stack, f" {seed}", venue, opposite_signal=random.choice(("hedge", "close", "ignore")))
    try:
        baseline = Baseline.of(trader)
        trouble, owners = Trouble(stack, trader, random), Owners(trader, random)
        trouble.begin()
        for _ in range(acts):
            _act(trader, trouble, owners, story, random)
            wait(random.uniform(0, 0.25))
        trouble.ease()
        _until_orders_arrived(trader, baseline, random, story)
        trouble.end()
        owners.give_back()
        story.violations = [*_quiet(trader, baseline), *owners.contradictions()]
        story.counts += trouble.counts + owners.counts
        story.counts["orders at the exchange"] = len(baseline.sent(trader))
        if story.counts["orders at the exchange"] < FEWEST_ORDERS:
            story.violations.append(f"fewer than {FEWEST_ORDERS} orders arrived: this seed shows little")
    finally:
        trader.lines.close()
    story.seconds = time.monotonic() - began
    return story


def _act(trader: Trader, trouble: Trouble, owners: Owners, story: Story, random: Random) -> None:
    chance = random.random()
    if chance < 0.4:
        _say(trader, random, story)
    elif chance < 0.65:
        owners.act()
    else:
        trouble.strike()


def _until_orders_arrived(trader: Trader, baseline: Baseline, random: Random, story: Story) -> None:
    """The exchange still fails now and then, but who was killed may start, and an account that was given up is found
    again: a machine that is slow at it sees orders too."""
    for _ in range(CALM_ACTS):
        if len(baseline.sent(trader)) >= FEWEST_ORDERS:
            return
        _say(trader, random, story)
        wait(random.uniform(0, 0.5))


def _say(trader: Trader, random: Random, story: Story) -> None:
    phrase = random.choices(list(PHRASES), PHRASE_WEIGHTS)[0]
    _send(trader, phrase, random.choice(list(DEMO_PRICES)), story)


def _send(trader: Trader, phrase: str, symbol: str, story: Story) -> None:
    """As a sender does: the same frame again, over a new socket, until there is a verdict."""
    at = datetime.now(UTC).isoformat()
    frame = json.dumps({"symbol": symbol, "message": phrase + trader.suffix, "bar_time": at, "id": at})

    def is_answered() -> bool:
        try:
            verdict = trader.send_raw(frame)
        except (OSError, WebSocketException):
            trader.socket = trader.connect_again()
            return False
        story.counts[f"signal {verdict['status']}"] += 1
        return verdict["status"] != "error"

    until(is_answered, "a verdict", seconds=60)


def _quiet(trader: Trader, baseline: Baseline) -> list[str]:
    """What contradicts the books must vanish by itself, and soon."""
    since, found = timezone.now(), ["not looked yet"]

    def is_true() -> bool:
        found[:] = contradictions(trader, baseline, since)
        wait(ASK_AGAIN_SECONDS if found else 0)
        return not found

    try:
        until(is_true, "peace", QUIET_SECONDS)
    except AssertionError:
        return found
    return []
