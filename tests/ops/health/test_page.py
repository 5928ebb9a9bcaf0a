"""The page, its part that follows, the JSON, and who may ask for which."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import redis
from celery import current_app
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exchanges.marks import publish_prices
from exchanges.models import AccountWatch
from exchanges.types import PriceKind, PriceTick
from ops.health import facts as facts_module
from ops.health.facts import errors, facts
from ops.health.recent_errors import recent_errors
from ops.models import SystemLog
from positions.models import InvariantCheck, Position, RiskEvent
from tests.builders import a_position, an_account, an_order
from tests.people import a_person
from tradingbot import pulse

pytestmark = pytest.mark.django_db
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MOST_QUESTIONS = 16


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(a_person("viewer"))
    return client


@pytest.mark.parametrize("path", ["/health/", "/health.json", "/health/panels/"])
def test_it_is_for_who_may_look(client: Client, path: str) -> None:
    assert client.get(path).status_code == 302
    client.force_login(User.objects.create_user("ada", is_staff=True))
    assert client.get(path).status_code == 403


def test_a_browser_gets_a_page_and_a_program_gets_json(viewer: Client) -> None:
    an_account(name="main")
    page = viewer.get("/health/", headers=BROWSER)
    assert "What protects now" in page.content.decode()
    assert "main" in page.content.decode()
    assert viewer.get("/health/").json()["probes"]["database"] == "ok"
    assert viewer.get("/health.json", headers=BROWSER).json()["programs"]["beat"]["state"] == "unknown"


def test_it_asks_once_a_second_for_all_who_look(viewer: Client) -> None:
    for name in ("one", "two", "three"):
        AccountWatch.objects.create(account=an_account(name=name), reconciled_at=timezone.now())
    a_position()
    viewer.get("/health/panels/")
    facts.forget()
    errors.forget()
    with CaptureQueriesContext(
        connection,
    ) as first:
        viewer.get("/health/panels/")
    with CaptureQueriesContext(connection) as second:
        viewer.get("/health/panels/")
    assert len(first) - len(second) <= MOST_QUESTIONS
    assert not [one for one in second if "exchanges_" in one["sql"] or "positions" in one["sql"]]


def test_the_same_error_is_one_line() -> None:
    now = timezone.now()
    for at, message in enumerate(["order 17 is lost", "order 18 is lost", "order 19 is lost", "it rains"]):
        SystemLog.objects.create(
            level="ERROR", module="here", message=message, created_at=now - timedelta(minutes=9 - at)
        )
    SystemLog.objects.create(level="INFO", module="here", message="all is well", created_at=now)
    SystemLog.objects.create(
        level="ERROR", module="here", message="long ago", created_at=now - timedelta(days=30)
    )
    RiskEvent.objects.create(event_type="banned", risk_level="critical", details={"reason": "too many"})
    # the thread that writes the system log may have written for other tests
    found = [one for one in recent_errors(now - timedelta(days=7)) if one.place in ("here", "banned")]
    assert [(one.place, one.message, one.count) for one in found] == [
        ("banned", "too many", 1), ("here", "it rains", 1), ("here", "order 19 is lost", 3),
    ]  # fmt: skip
    assert found[2].first_seen < found[2].last_seen


def test_what_is_measured_is_shown(viewer: Client, marks: redis.Redis) -> None:
    account = an_account(name="main")
    AccountWatch.objects.create(
        account=account, reconciled_at=timezone.now(), clock_offset_ms=-12, differences_open=2
    )
    publish_prices(
        "binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", Decimal(1), timezone.now(), PriceKind.MARK))]
    )
    position = a_position(account=account)
    asked = timezone.now()
    an_order(position, submitted_at=asked, answered_at=asked + timedelta(milliseconds=40))
    marks.lpush(f"{configured.REDIS_PREFIX}:sweeps", "hint")
    InvariantCheck.objects.create(
        name="all is well", is_true=False, checked_at=timezone.now(), findings=["no"]
    )
    pulse.tell("beat")
    page = viewer.get("/health/panels/").content.decode()
    marks.delete(f"{configured.REDIS_PREFIX}:sweeps")
    for words in (
        "2 differences",
        "\N{MINUS SIGN}12 ms",
        "40.0 ms",
        "Queue sweeps",
        "hints that wait",
        "NOT true",
        "1 contracts",
    ):
        assert words in page
    assert facts.get().queues["sweeps"] == 1


def test_the_page_is_there_while_redis_is_away(viewer: Client, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    page = viewer.get("/health/", headers=BROWSER).content.decode()
    assert "Redis does not answer" in page
    assert client_status(viewer) == (503, "failing", "unknown")


def client_status(client: Client) -> tuple[int, str, str]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["redis"], answer.json()["beat"]


def test_readiness_is_all_probes(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    first = client.get("/readyz")
    assert (first.status_code, first.json()["beat"], first.json()["database"]) == (503, "unknown", "ok")
    for name in ("beat", "doors"):
        pulse.tell(name)
    facts.forget()
    answer = client.get("/readyz")
    assert (answer.status_code, set(answer.json().values())) == (200, {"ready", "ok"})


def test_a_database_that_is_away_is_told_and_the_rest_is_unknown(client: Client, monkeypatch) -> None:
    def away() -> float:
        raise OSError("postgresql://somebody:secret@db")

    monkeypatch.setattr(facts_module, "_ask_database", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert (answer.json()["database"], answer.json()["reconcile"]) == ("failing", "unknown")
    assert "secret" not in answer.content.decode()


def test_comparing_is_asked_for_by_whoever_may_act(viewer: Client, admin_client: Client, monkeypatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: sent.append(name))
    assert viewer.post("/health/reconcile/").status_code == 403
    assert admin_client.get("/health/reconcile/").status_code == 405
    page = admin_client.post("/health/reconcile/", follow=True, headers=BROWSER)
    assert "Asked for." in page.content.decode()
    assert sent == ["positions.tasks.reconcile"]


def test_streams_are_opened_anew_by_whoever_may_act(viewer: Client, admin_client: Client) -> None:
    watch = AccountWatch.objects.create(account=an_account())
    assert viewer.post("/health/reconnect/").status_code == 403
    page = admin_client.post("/health/reconnect/", follow=True, headers=BROWSER)
    assert "Every stream is opened anew" in page.content.decode()
    watch.refresh_from_db()
    assert watch.reconnect_asked_at is not None


def test_a_queue_that_cannot_be_reached_is_told(admin_client: Client, monkeypatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(current_app, "send_task", away)
    page = admin_client.post("/health/reconcile/", follow=True, headers=BROWSER)
    assert "Not asked for" in page.content.decode()


def test_what_was_handed_over_is_counted_and_alarms_nobody(viewer: Client) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    a_position("BTC", unprotected_since=long_ago)
    a_position("ETH", unprotected_since=long_ago, software_stop_since=long_ago, handed_over_at=long_ago)
    facts.forget()
    held = facts.get().protection
    assert (held.live, held.unprotected, held.watched_here, held.handed_over) == (2, 1, 0, 1)
    Position.objects.exclude(handed_over_at=None).update(unprotected_since=long_ago - timedelta(hours=1))
    facts.forget()
    assert facts.get().protection.unprotected_since == long_ago
    assert "1 position handed over" in viewer.get("/health/", headers=BROWSER).content.decode()
