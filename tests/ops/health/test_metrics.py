"""/metrics: true figures, for whoever may read them; and each metric that a dashboard or an alert names is there."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from unittest import mock

import pytest
import redis
import yaml
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from exchanges.models import AccountWatch
from ops.health.counts import counted
from positions.models import InvariantCheck
from positions.services import watch
from tests.builders import a_balance, a_fill, a_log_entry, a_position, a_signal_log, an_account, an_order
from tradingbot import pulse
from tradingbot.environment import BASE_DIR

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-twenty-letters"
CONFIG = BASE_DIR / "config"


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    counted.forget()


def told(client: Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert (answer.status_code, answer["Content-Type"].startswith("text/plain")) == (200, True)
    families = text_string_to_metric_families(answer.content.decode())
    return {_name(sample): sample.value for family in families for sample in family.samples}


def _name(sample) -> str:
    labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}" if labels else sample.name


def a_day_of_trading() -> None:
    account = an_account(name="main")
    a_balance(account, equity="1234.5")
    watch.broke(account.pk, 1, "gone")
    watch.broke(account.pk, 2, "gone")
    AccountWatch.objects.update(reconciled_at=timezone.now(), clock_offset_ms=250)
    log = a_signal_log(source="desk", received_at=timezone.now() - timedelta(seconds=2))
    a_log_entry(log, status="skipped", reason_code="cooldown")
    position = a_position(account=account, unprotected_seconds="7.5")
    a_log_entry(log, status="opened", position=position, account=account)
    sent = log.received_at + timedelta(milliseconds=30)
    order = an_order(position, purpose="entry", status="filled", submitted_at=sent, answered_at=sent)
    a_fill(order)
    InvariantCheck.objects.create(name="one", is_true=True, checked_at=timezone.now())
    pulse.tell("beat")


def test_figures_are_those_of_the_rows(client: Client) -> None:
    a_day_of_trading()
    found = told(client)
    assert found["tradingbot_equity{account=main}"] == 1234.5
    assert found["tradingbot_stream_breaks_total{account=main}"] == 2
    assert found["tradingbot_orders_total{outcome=filled,purpose=entry}"] == 1
    assert (
        found["tradingbot_orders_total{outcome=rejected,purpose=protect}"] == 0
    )  # the first refusal is an increase
    assert found["tradingbot_verdicts_total{outcome=skipped,reason=cooldown}"] == 1
    assert found["tradingbot_unprotected_seconds_total"] == 7.5
    assert found["tradingbot_clock_offset_seconds{account=main}"] == 0.25
    assert found["tradingbot_sentence_true{sentence=one}"] == 1
    assert found["tradingbot_program_alive{program=beat}"] == 1
    within = {name: value for name, value in found.items() if "request_seconds_bucket" in name}
    assert within["tradingbot_signal_to_request_seconds_bucket{le=0.025}"] == 0
    assert within["tradingbot_signal_to_request_seconds_bucket{le=0.05}"] == 1
    assert found["process_resident_memory_bytes"] > 1_000_000


def test_what_is_unknown_has_no_sample(client: Client, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = told(client)
    assert found["tradingbot_probe_ok{probe=redis}"] == 0
    assert found["tradingbot_ready"] == 0
    assert not [name for name in found if "program_alive" in name or "queue_length" in name]


@pytest.mark.parametrize("path", ["prometheus/alerts.yml", "grafana/dashboard.json"])
def test_each_metric_that_is_named_exists(client: Client, path: str, marks: redis.Redis) -> None:
    """A family without a sample still tells its name and kind."""
    a_day_of_trading()
    text = client.get("/metrics").content.decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    endings = {"histogram": ("_bucket", "_sum", "_count")}
    there = {name + ending for name, kind in kinds.items() for ending in endings.get(kind, ("",))}
    named = set(re.findall(r"\b(?:tradingbot|process)_[a-z_]+", (CONFIG / path).read_text()))
    assert len(named) > 10
    assert named - there == set()


def test_the_files_can_be_read() -> None:
    rules = yaml.safe_load((CONFIG / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules)
    panels = json.loads((CONFIG / "grafana/dashboard.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_without_a_token_only_this_machine_may_read(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 401
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 401
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"}).status_code == 401
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200


def test_with_a_token_it_is_the_token(client: Client, settings) -> None:
    settings.METRICS_TOKEN = SecretStr(TOKEN)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer ä"}).status_code == 401
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers=right).status_code == 200


def test_many_who_ask_are_one_question(client: Client) -> None:
    told(client)
    with mock.patch("django.db.backends.utils.CursorWrapper.execute") as execute:
        told(client)
    assert execute.call_count == 0
