"""Where values come from, and what a start refuses."""

from __future__ import annotations

import re
import socket
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ops.data_folder import DataFolder
from ops.environment import configured, keys_for, trades_for_real, write_env_file
from ops.plan import read_plan
from ops.ports import claim_port, free_port, is_listening
from ops.program import CannotStart
from ops.setting_up import set_up
from tradingbot.environment import BASE_DIR, Environment


def test_the_real_environment_wins_over_config_and_config_over_env_file(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / ".env").write_text("ONE=file\nTWO=file\nTHREE=file\n")
    config = tmp_path / "dev.yaml"
    config.write_text("two: config\nTHREE: config\nDEBUG: true\nALLOWED_HOSTS: [a, b]\n")
    monkeypatch.setenv("THREE", "real")
    values = configured(tmp_path, config)
    assert [values[name] for name in ("ONE", "TWO", "THREE")] == ["file", "config", "real"]
    assert (values["DEBUG"], values["ALLOWED_HOSTS"]) == ("true", "a,b")


@pytest.mark.parametrize("text", ["- a list", "A: {b: c}", "A: [", "A:"])
def test_a_senseless_config_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(CannotStart):
        configured(tmp_path, tmp_path / "bad.yaml")


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"no configuration file .*none\.env"):
        configured(tmp_path, tmp_path / "none.env")


@pytest.mark.parametrize("allowed", ["true", "1", "", "maybe"])
def test_live_needs_two_words(allowed: str) -> None:
    with pytest.raises(CannotStart, match="DRY_RUN=false"):
        trades_for_real({"DRY_RUN": allowed}, asked=True)
    with pytest.raises(CannotStart, match="nothing was started"):
        trades_for_real({}, asked=True)


def test_dry_run_is_the_default_even_where_real_orders_are_allowed() -> None:
    assert not trades_for_real({"DRY_RUN": "false"}, asked=False)
    assert trades_for_real({"DRY_RUN": "false"}, asked=True)


def test_keys_are_made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    first = keys_for({}, data)
    assert keys_for({}, data) == first
    assert Fernet(first["FIELD_KEYS"])
    assert stat.S_IMODE(data.keys.stat().st_mode) == 0o600


def test_configured_keys_are_used_and_not_written(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    assert keys_for({"FIELD_KEYS": "mine"}, data)["FIELD_KEYS"] == "mine"
    assert "FIELD_KEYS" not in data.keys.read_text()


def test_values_survive_the_way_through_a_file(tmp_path: Path) -> None:
    values = {"A": "it's", "B": "back\\slash", "C": "space and #hash $X"}
    write_env_file(tmp_path / ".env", values)
    read = configured(tmp_path, None)
    assert {name: read[name] for name in values} == values


def test_a_taken_port_is_told_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} .*taken by process \d+: .*--port"):
            claim_port("127.0.0.1", port)
        assert is_listening("127.0.0.1", port)
    assert claim_port("127.0.0.1", port) == port
    assert not is_listening("127.0.0.1", free_port())


def test_a_second_run_in_the_same_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    with (
        data.held(),
        pytest.raises(CannotStart, match=r"in use by another run \(process \d+, since .*--data"),
    ):
        data.held().__enter__()
    with data.held():
        pass


def test_what_is_fresh_has_servers_of_its_own(tmp_path: Path) -> None:
    data = str(tmp_path)
    assert set_up(read_plan(["--port", "0", "--data", data], base=tmp_path)).servers == []
    fresh = set_up(read_plan(["--port", "0", "--data", data, "--fresh"], base=tmp_path))
    assert len(fresh.servers) == 2
    assert data in fresh.env["DATABASE_URL"]


@pytest.mark.parametrize(
    "arguments", [["--fresh"], ["--live", "--report", "r.yaml"], ["--live", "--mode", "paper"]]
)
def test_senseless_combinations_are_refused(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "live.env").write_text("DRY_RUN=false\n")
    with pytest.raises(CannotStart):
        read_plan([*arguments, "--config", str(tmp_path / "live.env")], base=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "programs"),
    [
        ([], ["worker", "sweeps", "reconcile", "beat", "market", "intake", "notify", "doors", "web"]),
        (["--mode", "worker"], ["worker", "sweeps", "reconcile"]),
        (["--mode", "web"], ["web"]),
        (["--mode", "doors"], ["doors"]),
        (["--mode", "signals"], []),
        (["--mode", "paper"], []),
    ],
)
def test_each_mode_has_its_programs(tmp_path: Path, arguments: list[str], programs: list[str]) -> None:
    prepared = set_up(read_plan(["--port", "0", "--data", str(tmp_path), *arguments], base=tmp_path))
    assert [program.name for program in prepared.programs()] == programs
    assert prepared.env["DRY_RUN"] == "true"
    assert prepared.servers == []  # the test run names its own


def test_a_plan_without_addresses_brings_its_own_servers(tmp_path: Path, monkeypatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "PAPER_EXCHANGE_URL"):
        monkeypatch.delenv(name)
    prepared = set_up(read_plan(["--port", "0", "--data", str(tmp_path)], base=tmp_path))
    assert [server.name for server in prepared.servers] == ["postgres", "redis"]
    assert prepared.paper
    assert prepared.env["PAPER_EXCHANGE_URL"].startswith("http://127.0.0.1:")
    assert prepared.env["SIGNALS_URL"] == f"ws://127.0.0.1:{prepared.signals_port}/ws/signals/"


def test_a_live_plan_has_no_paper_and_no_demo(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DRY_RUN", "false")
    monkeypatch.delenv("PAPER_EXCHANGE_URL")
    prepared = set_up(read_plan(["--live", "--port", "0", "--data", str(tmp_path)], base=tmp_path))
    assert prepared.paper is None
    assert not prepared.plan.sends_demo_signals
    assert prepared.env["DRY_RUN"] == "false"


@pytest.mark.parametrize(
    ("arguments", "port"),
    [([], 8100), (["--port", "8001"], 8101), (["--port", "65500"], 65400), (["--port", "0"], 0),
     (["--signals-port", "9000"], 9000), (["--port", "8001", "--signals-port", "0"], 0)],
)  # fmt: skip
def test_the_doors_are_beside_the_page(tmp_path: Path, arguments: list[str], port: int) -> None:
    assert read_plan([*arguments, "--data", str(tmp_path)], base=tmp_path).signals_port == port


def test_a_page_alone_has_the_doors_itself(tmp_path: Path) -> None:
    prepared = set_up(read_plan(["--mode", "web", "--port", "0", "--data", str(tmp_path)], base=tmp_path))
    assert prepared.env["SIGNALS_URL"] == f"ws://127.0.0.1:{prepared.port}/ws/signals/"


def test_the_example_names_every_setting() -> None:
    """going-live.md says that it lists everything."""
    named = set(re.findall(r"^#?([A-Z0-9_]+)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    assert {name.upper() for name in Environment.model_fields} <= named
