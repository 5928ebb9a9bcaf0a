"""Each subsystem is broken in turn, really, and the check whose matter it is says so; all others stay as they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils import timezone

from exchanges.models import AccountWatch, ExchangeAccount
from ops.verification.catalog import structure
from ops.verification.checks import exchange, risk
from ops.verification.running import Check, run_all
from ops.verification.structure import Structure
from ops.verification.verdicts import CannotAsk, Finding, MigrationStatus, Status, overall
from ops.verification.verifying import (
    EVERYTHING,
    EXCHANGE,
    INTEGRITY,
    ML,
    PERFORMANCE,
    PROTECTION,
    RISK,
    SCHEMA,
    questions,
    report_of,
)
from positions.models import AccountEquity, InvariantCheck, Order, Position, RiskLimits
from positions.risk_limits import RECOMMENDED
from positions.services import position_modes
from signals_app.models import Strategy
from tests.builders import a_balance, an_account
from tests.legacy.generations import generation
from tests.positions.services.conftest import Desk
from trailing import services as trailing

LONG_AGO = timedelta(hours=1)
FLAGS = ("partial_take_profit", "profit_protection", "trailing_stop", "database_tracking")
FORECAST = {
    "source": "model", "reason": "", "confidence": [0.3, 0.5], "btc_and_eth_differ": True, "identical": [],
}  # fmt: skip
WORKS: dict[str, dict[str, Any]] = {
    "protection": {"flags": dict.fromkeys(FLAGS, True), "check_partial_tp": True, "stop_at_once": True},
    "limits": {"drawdown": {"wanted": "drawdown", "refused_by": "drawdown"}},
    "speed": {
        "signals_1000_seconds": 0.3,
        "orders_10_at_once_seconds": 0.1,
        "first_orders_10_at_once_seconds": 0.2,
        "rounds": {},
    },
    "forecasts": {
        "columns_left": 259, "signals": 2, "signals_1000": 1000, "signals_1000_seconds": 4.0,
        "with_model": FORECAST,
        "without_model": FORECAST | {"source": "fallback"},
        "after_the_model_went": FORECAST | {"source": "fallback"},
    },
}  # fmt: skip


class Installation:
    """Healthy, with a protected position. Trials answer what they are told to: they are tried in test_trials.py."""

    def __init__(self, desk: Desk, wanted: Structure) -> None:
        self.desk, self.wanted = desk, wanted
        self.answers = {name: dict(said) for name, said in WORKS.items()}
        self.memory: Mapping[str, float] | None = {"web": 100.0, "worker": 200.0}

    def wanted_structure(self) -> Structure:
        return self.wanted

    def trial(self, name: str) -> Mapping[str, Any]:
        return self.answers[name]

    trial_on_paper = trial

    def held_memory(self) -> Mapping[str, float]:
        if self.memory is None:
            raise CannotAsk("no process runs")
        return self.memory

    def asked(self) -> dict[str, Finding]:
        """Each in a savepoint: what one of them breaks is not in the way of the next."""
        return run_all({name: _apart(check) for name, check in questions(self, self.held_memory).items()})


def _apart(check: Check) -> Check:
    def ask() -> Finding:
        with transaction.atomic():
            return check()

    return ask


@pytest.fixture
def installation(desk: Desk) -> Installation:
    sql("ALTER TABLE trail ENABLE TRIGGER trail_is_not_emptied")
    with connection.cursor() as cursor:
        made = Installation(desk, structure(cursor, django_settings.DB_SCHEMA))
    now = timezone.now()
    account = desk.account
    a_balance(account)
    RiskLimits.objects.create(**RECOMMENDED)
    position_modes.learn(account, "BTC/USDT:USDT")
    AccountWatch.objects.create(account=account, reconciled_at=now, stream_connected_at=now)
    AccountEquity.objects.create(
        account=account, day=now.date(), looked_at=now, equity=Decimal(10000), booked_from=now
    )
    InvariantCheck.objects.create(name="a sentence", is_true=True, checked_at=now)
    position = desk.filled()
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    return made


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def unforeseen(statement: str) -> Callable[[Installation], None]:
    """As somebody may who switches foreign keys off."""
    return lambda _: sql(
        f"SET LOCAL session_replication_role = replica; {statement}; RESET session_replication_role"
    )


def ddl(statement: str) -> Callable[[Installation], None]:
    return lambda _: sql(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")


def old_bot(installation: Installation) -> None:
    with connection.cursor() as cursor:
        generation(0, cursor)


def exchange_in_one_way_mode(installation: Installation) -> None:
    """Emptied first: an exchange changes the mode of nobody who holds something."""
    engine = installation.desk.engine
    del engine.accounts[installation.desk.paper_name]
    engine.open_account(installation.desk.paper_name, Decimal(10_000))


def paper_exchange_gone(installation: Installation) -> None:
    django_settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"


def limits_off(installation: Installation) -> None:
    RiskLimits.objects.all().delete()


def account_limits_off(installation: Installation) -> None:
    RiskLimits.objects.update(max_positions=0)
    ExchangeAccount.objects.update(max_open_positions=0, max_exposure=0)
    Strategy.objects.update(max_open_positions=0)


def equity_unwatched(installation: Installation) -> None:
    AccountEquity.objects.update(looked_at=timezone.now() - LONG_AGO)


def says(trial: str, **answers: object) -> Callable[[Installation], None]:
    return lambda installation: installation.answers[trial].update(answers)


def bare_position(installation: Installation) -> None:
    Order.objects.filter(purpose="protect").update(status="canceled")
    Position.objects.update(opened_at=timezone.now() - LONG_AGO)


def stops_refused(installation: Installation) -> None:
    AccountWatch.objects.update(stops_refused_since=timezone.now())


def quantity_nobody_bought(installation: Installation) -> None:
    Position.objects.update(quantity=Decimal(1), updated_at=timezone.now() - LONG_AGO)


def sweeps_dead(installation: Installation) -> None:
    InvariantCheck.objects.update(checked_at=timezone.now() - LONG_AGO)


def reconciliation_dead(installation: Installation) -> None:
    AccountWatch.objects.update(reconciled_at=timezone.now() - LONG_AGO)


def unreadable_plan(installation: Installation) -> None:
    Strategy.objects.update(protection={"stop_loss": {"type": "percent", "percent": "0"}})


def all_memory_taken(installation: Installation) -> None:
    installation.memory = {"web": 1500.0, "worker": 600.0}


# what is broken, how, and who must say so
BROKEN: dict[str, tuple[Callable[[Installation], None], set[str]]] = {
    "a dropped check constraint": (ddl("ALTER TABLE orders DROP CONSTRAINT exits_only_reduce"), {SCHEMA}),
    "a dropped unique index": (ddl("DROP INDEX one_live_position_per_leg"), {SCHEMA}),
    "a dropped column": (ddl("ALTER TABLE risk_events DROP COLUMN details"), {SCHEMA}),
    "a column that may be empty now": (ddl("ALTER TABLE orders ALTER COLUMN symbol DROP NOT NULL"), {SCHEMA}),
    "a trigger that is off": (ddl("ALTER TABLE trail DISABLE TRIGGER trail_is_not_emptied"), {SCHEMA}),
    "a foreign key that is off": (ddl("ALTER TABLE partial_tp_history DISABLE TRIGGER ALL"), {SCHEMA}),
    "a migration that did not run": (
        ddl("DELETE FROM django_migrations WHERE app = 'ops' AND name = '0001_initial'"),
        {SCHEMA},
    ),
    "an old bot's tables as it left them": (old_bot, {SCHEMA}),
    "a table that is gone": (ddl("DROP TABLE account_equity"), {SCHEMA, RISK}),
    "a flag: the exchange is in one-way mode": (exchange_in_one_way_mode, {EXCHANGE}),
    "no paper exchange": (paper_exchange_gone, {EXCHANGE}),
    "nobody compares with the exchange": (reconciliation_dead, {EXCHANGE, INTEGRITY}),
    "no limits of losses": (limits_off, {RISK}),
    "no limits of positions": (account_limits_off, {RISK}),
    "nobody watches losses": (equity_unwatched, {RISK}),
    "a limit that refuses nothing": (
        says("limits", drawdown={"wanted": "drawdown", "refused_by": ""}),
        {RISK},
    ),
    "a flag of the protection": (
        says("protection", flags=dict.fromkeys(FLAGS, True) | {"trailing_stop": False}),
        {PROTECTION},
    ),
    "levels that are placed twice": (says("protection", check_partial_tp=False), {PROTECTION}),
    "a plan nobody can read": (unreadable_plan, {PROTECTION}),
    "slow signals": (says("speed", signals_1000_seconds=1.2), {PERFORMANCE}),
    "slow orders": (says("speed", orders_10_at_once_seconds=0.6), {PERFORMANCE}),
    "memory": (all_memory_taken, {PERFORMANCE}),
    "a position without a stop": (bare_position, {PROTECTION, INTEGRITY}),
    "an exchange that takes no stops": (stops_refused, {PROTECTION}),
    "a quantity that no fill explains": (quantity_nobody_bought, {INTEGRITY}),
    "rows without their parent": (unforeseen("DELETE FROM exchanges_instrument"), {INTEGRITY, EXCHANGE}),
    "forecasts that become no signals": (says("forecasts", signals=0), {ML}),
    "sweeps that do not run": (sweeps_dead, {INTEGRITY}),
}


def failed(found: Mapping[str, Finding]) -> set[str]:
    return {name for name, one in found.items() if one.status is Status.FAILED}


def test_a_healthy_one_is_ready(installation: Installation) -> None:
    found = installation.asked()
    assert failed(found) == set(), found
    assert {one.status for one in found.values()} == {Status.PASSED}
    assert overall(found.values()).migration_status is MigrationStatus.READY
    report = report_of(found)
    assert (report["migration_status"], report["risk_level"], report["confidence"]) == ("READY", "LOW", 100)
    assert list(report["checks"]) == list(EVERYTHING)
    assert report["performance_comparison"]["orders_10_at_once_seconds"]["improvement"] == "90.0 times less"
    assert report["trades_on"] == "paper"


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_by_whose_matter_it_is(installation: Installation, what: str) -> None:
    break_it, whose = BROKEN[what]
    with transaction.atomic():
        break_it(installation)
        found = installation.asked()
        transaction.set_rollback(True)  # some of it is more than any test may leave
    assert failed(found) == whose, {name: one.issues for name, one in found.items() if one.issues}
    assert overall(found.values()).migration_status is not MigrationStatus.READY
    assert all(one.issues and all(issue.fix for issue in one.issues) for one in map(found.get, whose) if one)


def test_slow_first_orders_are_told_and_not_judged(installation: Installation) -> None:
    says("speed", first_orders_10_at_once_seconds=0.6)(installation)
    found = installation.asked()
    assert failed(found) == set()
    (advice,) = found[PERFORMANCE].advice
    assert "took 0.6 s, more than 0.5" in advice
    assert advice in report_of(found)["recommendations"]["before_production"]


def test_what_cannot_be_asked_is_unknown_and_not_green(installation: Installation) -> None:
    installation.memory = None
    found = installation.asked()
    assert found[PERFORMANCE].status is Status.UNKNOWN
    assert overall(found.values()).migration_status is MigrationStatus.NEEDS_FIXES


def test_without_accounts_there_is_nothing_to_ask(db) -> None:
    found = run_all({EXCHANGE: exchange.check, RISK: lambda: risk.check(dict)})
    assert {one.status for one in found.values()} == {Status.UNKNOWN}


def test_accounts_that_nobody_confirmed_are_named_and_not_judged(
    installation: Installation, settings
) -> None:
    """As after moving in: what an older bot held is on accounts without keys."""
    settings.DRY_RUN = False
    an_account(name="legacy-v4-books", api_key="", api_secret="")
    ours = ExchangeAccount.objects.filter(pk=installation.desk.account.pk)
    ours.update(is_live_confirmed=True, api_key="", api_secret="")  # so that nobody can be asked from here
    found = run_all(
        {EXCHANGE: exchange.check, RISK: partial(risk.check, partial(installation.trial, "limits"))}
    )
    assert [one.details["not_asked"] for one in found.values()] == [["legacy-v4-books"]] * 2
    assert found[RISK].status is Status.PASSED
    assert list(found[EXCHANGE].details["accounts"]) == [installation.desk.account.name]
