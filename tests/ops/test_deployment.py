"""compose.yaml and the systemd units start what `manage.py up` starts, word for word, and nothing else."""

from __future__ import annotations

import json
import shlex
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from ops.children import Children

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "config" / "systemd"
SCHEMA = Path(__file__).with_name("data") / "compose-spec.json"
NOT_OURS = {"postgres", "redis", "prepare", "paper"}
SEVERAL = {"worker", "sweeps", "reconcile", "intake"}
PYTHON = "/opt/tradingbot/.venv/bin/python"

Command = list[str]


def children(host: str) -> dict[str, Command]:
    """By name, what the supervisor runs behind the interpreter."""
    make = Children(Path("."), {})
    programs = [*make.workers(), make.beat(), make.market(), make.intake(), make.web(host, 8000)]
    return {program.name: list(program.command[1:]) for program in programs}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def units() -> dict[str, ConfigParser]:
    found = {}
    for path in UNITS.glob("tradingbot-*.service"):
        unit = ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(path)
        found[path.stem.removeprefix("tradingbot-").removesuffix("@")] = unit
    return found


def test_compose_says_what_the_specification_allows(compose: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())
    told = [
        f"{list(fault.instance_path)}: {fault.message}"
        for fault in jsonschema_rs.iter_errors(schema, compose)
    ]
    assert told == []
    assert not jsonschema_rs.is_valid(schema, compose | {"services": {"web": {"comand": "x"}}})


def test_compose_runs_each_process_as_the_supervisor_does(compose: dict[str, Any]) -> None:
    ran = {name: one["command"] for name, one in compose["services"].items() if name not in NOT_OURS}
    assert ran == {name: ["python", *command] for name, command in children("0.0.0.0").items()}  # noqa: S104


def test_units_run_each_process_as_the_supervisor_does() -> None:
    ran = {
        name: shlex.split(unit["Service"]["ExecStart"]) for name, unit in units().items() if name != "backup"
    }
    plain = {name: [word.replace("%i@%%h", "@%h") for word in command] for name, command in ran.items()}
    assert plain == {name: [PYTHON, *command] for name, command in children("127.0.0.1").items()}


def test_every_queue_has_a_worker(compose: dict[str, Any]) -> None:
    used = {settings.CELERY_TASK_DEFAULT_QUEUE}
    used |= {one["queue"] for one in settings.CELERY_TASK_ROUTES.values()}
    used |= {one["options"]["queue"] for one in settings.CELERY_BEAT_SCHEDULE.values()}
    commands = [one.get("command", []) for one in compose["services"].values()]
    served = [command[command.index("-Q") + 1] for command in commands if "-Q" in command]
    assert used == {queue for queues in served for queue in queues.split(",")}


def test_every_command_is_one_of_ours(compose: dict[str, Any]) -> None:
    commands = [one.get("command", []) for name, one in compose["services"].items()]
    commands += [shlex.split(unit["Service"]["ExecStart"]) for unit in units().values()]
    named = {words[at + 1] for words in commands for at, word in enumerate(words) if word == "manage.py"}
    prepared = compose["services"]["prepare"]["command"][-1]
    named |= {part.split()[2] for part in prepared.split(" && ")}
    assert {"run_signals", "watch_market", "migrate", "first_start", "backup"} <= named <= set(get_commands())


def test_what_may_run_twice_does_and_what_may_not_does_not(compose: dict[str, Any]) -> None:
    replicas = {name: one.get("deploy", {}).get("replicas", 1) for name, one in compose["services"].items()}
    assert {name for name, number in replicas.items() if number > 1} == SEVERAL
    target = (UNITS / "tradingbot.target").read_text()
    wanted = [word for line in target.splitlines() if line.startswith("Wants=") for word in line[6:].split()]
    assert set(wanted) == {
        *(f"tradingbot-{name}@{number}.service" for name in SEVERAL for number in (1, 2)),
        *(f"tradingbot-{name}.service" for name in ("web", "beat", "market")),
    }


def test_what_dies_comes_back_and_nothing_runs_as_root(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert one["restart"] == ("no" if name == "prepare" else "unless-stopped"), name
    for name, unit in units().items():
        assert unit["Service"]["User"] == "tradingbot", name
        assert name == "backup" or unit["Service"]["Restart"] == "always", name
    assert "\nUSER bot\n" in (ROOT / "Dockerfile").read_text()


def test_no_secret_stands_in_the_files(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        for variable, value in one.get("environment", {}).items():
            is_secret = any(word in variable for word in ("PASSWORD", "KEY", "TOKEN", "DATABASE_URL"))
            assert not is_secret or "${POSTGRES_PASSWORD:?" in value, (name, variable)
    assert {".env", ".git", "var"} <= set((ROOT / ".dockerignore").read_text().split())
