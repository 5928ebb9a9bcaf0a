"""`make up`, verified from outside; then its parts are taken away one by one, and each time the right check fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import yaml
from dotenv import dotenv_values

from ops.leftovers import ChildRecord
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
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]


class Running:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if name not in OF_TESTS}

    def verify(self, *only: str) -> tuple[int, dict[str, Any]]:
        chosen = [word for name in only for word in ("--only", name)]
        command = [sys.executable, "scripts/verify_migration.py", "--data", str(self.folder), *chosen]
        said = subprocess.run(command, cwd=BASE, env=self.environment, capture_output=True, text=True)
        return said.returncode, yaml.safe_load(said.stdout)

    def says(self, check: str) -> str:
        return str(self.verify(check)[1]["checks"][check]["status"])

    def sql(self, statement: str) -> None:
        address = str(dotenv_values(self.folder / "run.env", interpolate=False)["DATABASE_URL"])
        with psycopg.connect(address, options="-c search_path=tradingbot") as database:
            database.execute(statement)

    def databases(self) -> list[str]:
        address = str(dotenv_values(self.folder / "run.env", interpolate=False)["DATABASE_URL"])
        with psycopg.connect(address) as database:
            return [name for (name,) in database.execute("SELECT datname FROM pg_database ORDER BY 1")]

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
    before = running.databases()
    status, report = running.verify()
    told = {name: one["status"] for name, one in report["checks"].items()}
    assert told.pop("ML Pipeline") == "UNKNOWN"
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
        (no_limits, "Risk Management"),
        (no_paper_exchange, "Exchange APIs"),
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
