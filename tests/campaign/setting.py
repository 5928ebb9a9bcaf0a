"""The rows a world begins with, drawn from its seed, and the rhythm of its sweeps."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import redis
from django.apps import apps
from django.conf import settings
from django.db import connection

from exchanges.models import ExchangeAccount, UnknownPositions
from exchanges.paper.demo import DEMO_PRICES, DEMO_RULES
from exchanges.paper.matching import Engine
from exchanges.paper.venue_rules import BYBIT, VENUES
from positions.services.instruments import refresh_instruments
from signals_app.models import Strategy, StrategyAccount, StrategySignal, Ticker
from signals_app.routing import OppositeSignal, SignalDirection
from tests.campaign.market import SYMBOLS
from tradingbot.schedule import SCHEDULE
from trailing.plan import ProtectionPlan, read_plan

if TYPE_CHECKING:
    from tests.campaign.world import World

PHRASES = {
    "go long": SignalDirection.LONG,
    "go short": SignalDirection.SHORT,
    "leave long": SignalDirection.CLOSE_LONG,
    "leave short": SignalDirection.CLOSE_SHORT,
}
POLICIES: tuple[dict[str, str], ...] = (
    {"type": "none"},
    {"type": "breakeven", "offset_percent": "0.05"},
    {"type": "previous_level"},
    {"type": "percent", "percent": "0.3"},
)
STRATEGIES = ("ada-1", "ada-2", "ben-1", "ben-2", "ada-and-ben")


def an_engine(random: Random) -> Engine:
    """With little depth an order fills in several executions."""
    depth = random.choice((None, Decimal(150), Decimal(400)))
    engine = Engine([rules for rules in DEMO_RULES if rules.symbol in SYMBOLS], depth_notional=depth)
    for symbol in SYMBOLS:
        engine.set_price(symbol, DEMO_PRICES[symbol], 0)
    return engine


def empty_the_database() -> None:
    """Triggers that protect rows are not asked."""
    tables = [
        model._meta.db_table
        for app in ("exchanges", "signals_app", "positions", "trailing", "ops")
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
        cursor.execute("SET session_replication_role = DEFAULT")


def empty_redis() -> None:
    """Times are virtual: yesterday's prices would look fresh."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"{settings.REDIS_PREFIX}:*"):
            client.delete(key)


def set_up(world: World) -> list[str]:
    """Returns the phrases that mean something."""
    for symbol in SYMBOLS:
        Ticker.objects.create(symbol=symbol)
    accounts = {
        name: ExchangeAccount.objects.create(
            name=name,
            venue=world.venue,
            position_mode=world.mode,
            unknown_positions=world.random.choice(list(UnknownPositions)),
        )
        for name in ("ada", "ben")
    }
    for name in STRATEGIES:
        _strategy(world, name, [account for owner, account in accounts.items() if owner in name])
    refresh_instruments()
    for name, account in accounts.items():
        world.engine.open_account(f"paper-{account.pk}-{name}", Decimal(10_000), VENUES[world.venue])
    own = [f"{phrase} {name}" for phrase in PHRASES for name in STRATEGIES]
    return [*own, *PHRASES, "go long", "go short", "sell everything"]


def _strategy(world: World, name: str, accounts: list[ExchangeAccount]) -> None:
    random = world.random
    strategy = Strategy.objects.create(
        name=name,
        notional=Decimal(random.choice((100, 300, 900))),
        leverage=random.randint(3, 10),
        protection=a_plan(random, world.venue).as_json(),
        opposite_signal=random.choice(list(OppositeSignal)),
    )
    for account in accounts:
        share = random.choice((50, 100)) if len(accounts) > 1 else 100
        StrategyAccount.objects.create(strategy=strategy, account=account, size_percent=share)
    for phrase, direction in PHRASES.items():
        StrategySignal.objects.create(strategy=strategy, phrase=f"{phrase} {name}", direction=direction)
        StrategySignal.objects.create(strategy=strategy, phrase=phrase, direction=direction)


def a_plan(random: Random, venue: str) -> ProtectionPlan:
    stop, activation, callback = (("0.6", "1", "2"), ("0.3", "0.8", "1.5"), ("0.2", "0.5"))
    plain = ProtectionPlan.plain(random.choice(stop), random.choice(activation), random.choice(callback))
    more = {name: wish for name, wish in _more(random).items() if random.random() < 0.5}
    if venue == BYBIT.name:
        more.pop("backstop", None)  # which trails by a rate
    return read_plan(plain.as_json() | more)


def _more(random: Random) -> dict[str, object]:
    """Near the price: worlds are short."""
    levels = [
        {"at": {"type": "percent", "percent": percent}, "close_ratio": ratio}
        for percent, ratio in (("0.2", "0.3"), ("0.4", "0.3"), ("0.8", random.choice(("0.2", "0.4"))))
    ]
    return {
        "take_profits": {"levels": levels, "stop_after_level": random.choice(POLICIES)},
        "backstop": {"callback_percent": random.choice(("0.5", "0.8"))},
        "breakeven": {"trigger_percent": "0.5", "offset_percent": "0.1"},
        "profit_locks": [{"trigger_percent": "0.7", "lock_percent": "0.3"}],
    }


def begin_sweeps(world: World) -> None:
    for entry in SCHEDULE.values():
        _again(world, entry["task"], entry["schedule"], world.random.uniform(0, entry["schedule"]))


def _again(world: World, task: str, every: float, delay: float) -> None:
    def run() -> None:
        if world.random.random() >= world.plan.sweep_skipped:
            world.sweep(task)
        _again(world, task, every, every)

    world.later(delay, "sweep", run)
