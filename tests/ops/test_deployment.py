"""compose.yaml and the systemd units start what `manage.py up` starts, word for word, and nothing else."""

from __future__ import annotations

import asyncio
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
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ops.children import Children
from ops.data_folder import DataFolder
from ops.plan import Plan
from ops.setting_up import SetUp

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "config" / "systemd"
SCHEMA = Path(__file__).with_name("data") / "compose-spec.json"
NOT_OURS = {"postgres", "redis", "prepare", "paper"}
SEVERAL = {"worker", "sweeps", "reconcile", "intake"}
PYTHON = "/opt/tradingbot/.venv/bin/python"

Command = list[str]


def children(host: str) -> dict[str, Command]:
    """By name, what the supervisor runs behind the interpreter."""
    plan = Plan(Path("."), "all", is_live=True, data=DataFolder(Path("var")), values={}, host=host)
    whole = SetUp(plan, {}, [], None, plan.port, plan.signals_port)
    return {program.name: list(program.command[1:]) for program in whole.programs()}


def without_proxies(command: Command) -> Command:
    """As it is where nobody named TRUSTED_PROXIES."""
    return [word.replace("${TRUSTED_PROXIES:-}", "").replace("${TRUSTED_PROXIES}", "") for word in command]


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
    named = compose["services"].items()
    ran = {name: without_proxies(one["command"]) for name, one in named if name not in NOT_OURS}
    assert ran == {name: ["python", *command] for name, command in children("0.0.0.0").items()}  # noqa: S104


def test_units_run_each_process_as_the_supervisor_does() -> None:
    ran = {
        name: shlex.split(unit["Service"]["ExecStart"]) for name, unit in units().items() if name != "backup"
    }
    ran = {name: without_proxies(command) for name, command in ran.items()}
    plain = {name: [word.replace("%i@%%h", "@%h") for word in command] for name, command in ran.items()}
    assert plain == {name: [PYTHON, *command] for name, command in children("127.0.0.1").items()}


def test_the_page_believes_the_proxies_that_are_named_and_nobody_else(compose: dict[str, Any]) -> None:
    """Behind a proxy with TLS every page would else lead to itself for ever: it never hears that it came by https."""
    option = "--forwarded-allow-ips="
    assert f"{option}${{TRUSTED_PROXIES:-}}" in compose["services"]["web"]["command"]
    assert f"{option}${{TRUSTED_PROXIES}}" in units()["web"]["Service"]["ExecStart"]
    for named, believed in ({}, False), ({"TRUSTED_PROXIES": "10.0.0.0/8,127.0.0.1"}, True):
        command = Children(Path("."), named).web("127.0.0.1", 8000).command
        trusted = next(word.removeprefix(option) for word in command if word.startswith(option))
        assert asyncio.run(scheme_as_told(trusted)) == ("https" if believed else "http")


async def scheme_as_told(trusted: str) -> str:
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append(scope["scheme"])

    told = [(b"x-forwarded-proto", b"https")]
    scope: Any = {"type": "http", "scheme": "http", "client": ("10.1.2.3", 1), "headers": told}
    nobody: Any = None
    await ProxyHeadersMiddleware(app, trusted)(scope, nobody, nobody)
    return heard[0]


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
        *(f"tradingbot-{name}.service" for name in ("web", "doors", "beat", "market", "notify")),
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
