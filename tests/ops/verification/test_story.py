"""`make up`, verified from outside; then its parts are taken away one by one, and each time the right check fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import psycopg
import pytest
import redis
import yaml
from dotenv import dotenv_values

from ops.leftovers import ChildRecord
from ops.verification.trial_database import ONE_AT_A_TIME
from ops.verification.workshop import BASE
from tests.ops.waiting import until

START_SECONDS = 400.0
OF_TESTS = (
    "DATABASE_URL",
    "REDIS_URL",
    "REDIS_PREFIX",
    "SECRET_KEY",
    "FIELD_KEYS",
    "DRY_RUN",
    "PAPER_EXCHANGE_URL",
)
UNSEEN = "SET session_replication_role = replica;"
STOPS_REFUSED = "SELECT 1 FROM exchanges_accountwatch WHERE stops_refused_since IS NOT NULL"
ENDED_A_MINUTE_AGO = """
    SELECT f.id FROM trades f JOIN positions p ON p.id = f.position_id
    WHERE p.status = 'closed' AND p.updated_at < now() - interval '70 seconds' LIMIT 1
"""
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]


class Running:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if name not in OF_TESTS}

    def verify(self, *only: str) -> tuple[int, dict[str, Any]]:
        said = subprocess.run(
            self._command(*only), cwd=BASE, env=self.environment, capture_output=True, text=True
        )
        return said.returncode, yaml.safe_load(said.stdout)

    def begin(self, *only: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command(*only), cwd=BASE, env=self.environment, stdout=subprocess.DEVNULL
        )

    def _command(self, *only: str) -> list[str]:
        chosen = [word for name in only for word in ("--only", name)]
        return [sys.executable, "scripts/verify_migration.py", "--data", str(self.folder), *chosen]

    def says(self, check: str) -> str:
        return str(self.verify(check)[1]["checks"][check]["status"])

    def sql(self, *statements: str) -> None:
        """One after the other, not in one transaction."""
        with self.session() as database:
            for statement in statements:
                database.execute(statement)

    def asked(self, question: str) -> Any:
        with self.session() as database:
            row = database.execute(question).fetchone()
        return row and row[0]

    def session(self) -> psycopg.Connection:
        address = self._environment_of_run("DATABASE_URL")
        return psycopg.connect(address, options="-c search_path=tradingbot", autocommit=True)

    def _environment_of_run(self, name: str) -> str:
        return str(dotenv_values(self.folder / "run.env", interpolate=False)[name])

    def databases(self) -> list[str]:
        return str(self.asked("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database")).split()

    def keys(self) -> list[bytes]:
        with redis.Redis.from_url(self._environment_of_run("REDIS_URL")) as client:
            return list(client.scan_iter("*-verification*"))

    def paper(self, what: str, **body: object) -> None:
        """With a body it is planned, without one all that was planned is taken back."""
        request = Request(f"{self._environment_of_run('PAPER_EXCHANGE_URL')}/paper/{what}", method="DELETE")  # noqa: S310
        if body:
            request.method, request.data = "POST", json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        urlopen(request, timeout=10).close()  # noqa: S310

    def process(self, name: str) -> psutil.Process:
        return ChildRecord(self.folder / "children.json").alive()[name]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("verify"))
    made.folder.parent.chmod(0o755)
    command = [sys.executable, "manage.py", "up", "--port", "0", "--data", str(made.folder)]
    with (made.folder.parent / "screen").open("w+") as screen:
        up = subprocess.Popen(command, cwd=BASE, env=made.environment, stdout=screen, stderr=screen)
        told = Path(screen.name)
        until(lambda: "Ctrl-C" in told.read_text(), "the box that says where to look", START_SECONDS)
        yield made
        up.terminate()
        up.wait(120)


def test_a_healthy_one_is_asked_everything_and_nothing_is_left_behind(running: Running) -> None:
    until(lambda: running.says("Exchange APIs") == "PASSED", "the first comparisons", START_SECONDS)
    until(
        lambda: running.says("Data Integrity") == "PASSED", "its first look at its sentences", START_SECONDS
    )
    before = running.databases()
    status, report = running.verify()
    told = {name: one["status"] for name, one in report["checks"].items()}
    assert told.pop("Performance") in ("PASSED", "FAILED"), "measured, whatever else this machine does"
    assert set(told.values()) == {"PASSED"}
    assert (status, report["migration_status"]) in ((0, "READY"), (1, "NEEDS_FIXES"))
    assert running.databases() == before


def no_constraint(running: Running) -> Callable[[], None]:
    running.sql("ALTER TABLE orders DROP CONSTRAINT order_quantity_positive")
    return lambda: running.sql(
        "ALTER TABLE orders ADD CONSTRAINT order_quantity_positive CHECK (quantity > 0)"
    )


def no_limits(running: Running) -> Callable[[], None]:
    running.sql("CREATE TABLE kept AS TABLE risk_limits; DELETE FROM risk_limits")
    return lambda: running.sql("INSERT INTO risk_limits SELECT * FROM kept; DROP TABLE kept")


def nobody_looks_at_the_equity(running: Running) -> Callable[[], None]:
    process = running.process("reconcile")
    process.suspend()
    looked = "SELECT min(looked_at) < now() - interval '2 minutes' FROM account_equity"
    until(lambda: running.asked(looked), "an equity that is old", 240)
    return process.resume


def no_stops(running: Running) -> Callable[[], None]:
    """As Binance says it of conditional orders that it does not take here any more."""
    running.paper("faults", kind="answer", method="POST", path="/fapi/v1/algoOrder", times=100_000, status=400,
                  body='{"code": -4120, "msg": "Order type not supported for this endpoint."}')  # fmt: skip
    until(lambda: running.asked(STOPS_REFUSED), "a stop that is refused", START_SECONDS)
    return lambda: running.paper("faults")


def a_fill_that_nobody_made(running: Running) -> Callable[[], None]:
    """Of a position that is over, so that no comparison with the exchange puts it right."""
    chosen = running.asked(ENDED_A_MINUTE_AGO)
    changed = UNSEEN + " UPDATE trades SET quantity = quantity {} WHERE id = " + str(chosen)  # noqa: S608
    running.sql(changed.format("* 2"))
    return lambda: running.sql(changed.format("/ 2"))


def a_slow_database(running: Running) -> Callable[[], None]:
    for setting in ("commit_delay = 100000", "commit_siblings = 0"):
        running.sql(f"ALTER SYSTEM SET {setting}", "SELECT pg_reload_conf()")
    return lambda: running.sql("ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")


def no_table_to_ask(running: Running) -> Callable[[], None]:
    running.sql("ALTER TABLE account_equity RENAME TO kept_equity")
    return lambda: running.sql("ALTER TABLE kept_equity RENAME TO account_equity")


def no_paper_exchange(running: Running) -> Callable[[], None]:
    process = running.process("paper")
    process.suspend()
    return process.resume


def no_beat(running: Running) -> Callable[[], None]:
    process = running.process("beat")
    process.suspend()
    running.sql("UPDATE invariant_checks SET checked_at = now() - interval '1 hour'")
    return process.resume


@pytest.mark.parametrize(
    ("take_away", "check"),
    [
        (no_constraint, "Database Schema"),
        (no_stops, "Enhanced SL/TP"),
        (no_limits, "Risk Management"),
        (nobody_looks_at_the_equity, "Risk Management"),
        (a_slow_database, "Performance"),
        (no_paper_exchange, "Exchange APIs"),
        (a_fill_that_nobody_made, "Data Integrity"),
        (no_beat, "Data Integrity"),
    ],
)
def test_what_is_taken_away_fails_its_check(
    running: Running, take_away: Callable[[Running], Callable[[], None]], check: str
) -> None:
    until(lambda: running.says(check) == "PASSED", f"{check} to be fine", START_SECONDS)
    give_back = take_away(running)
    try:
        status, report = running.verify(check)
        assert (report["checks"][check]["status"], status > 0) == ("FAILED", True)
    finally:
        give_back()
    until(lambda: running.says(check) == "PASSED", f"{check} to be fine again", START_SECONDS)


def test_a_check_that_breaks_is_critical(running: Running) -> None:
    give_back = no_table_to_ask(running)
    try:
        status, report = running.verify("Risk Management")
    finally:
        give_back()
    assert (status, report["migration_status"], report["risk_level"]) == (2, "NOT_READY", "CRITICAL")
    assert "account_equity" in report["checks"]["Risk Management"]["details"]["error"]


def test_what_cannot_be_tried_is_unknown(running: Running) -> None:
    """Another verification holds the place where things are tried."""
    tried = ("Database Schema", "Enhanced SL/TP", "Risk Management", "Performance")
    with running.session() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        status, report = running.verify()
    assert [report["checks"][name]["status"] for name in tried] == ["UNKNOWN"] * len(tried)
    assert (status, report["migration_status"]) == (1, "NEEDS_FIXES")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_it(running: Running, how: signal.Signals) -> None:
    """Ended in order it clears away; killed, its processes end and the next one does the rest."""
    before = running.databases()
    one = running.begin("Performance")
    until(lambda: "verification_trial" in words_of(one.pid), "what it tries", START_SECONDS)
    trying = psutil.Process(one.pid).children(recursive=True)
    one.send_signal(how)
    one.wait(60)
    psutil.wait_procs(trying, timeout=30)
    assert [process.pid for process in trying if process.is_running()] == []
    if how == signal.SIGKILL:
        assert set(running.databases()) - set(before)
        running.verify("Performance")
    assert (running.databases(), running.keys()) == (before, [])
    assert not (running.folder / "verification").exists()


def words_of(pid: int) -> str:
    children = psutil.Process(pid).children(recursive=True)
    return " ".join(word for child in children for word in child.cmdline())
