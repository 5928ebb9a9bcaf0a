"""What programs are shown: real rows, a page at a time, without keys."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from ops.models import NotifyMessage, NotifyTarget
from positions.models import Position, RiskEvent
from tests.api.conftest import ROOT, a_caller
from tests.builders import a_fill, a_position, a_strategy, an_account
from tests.forecasts.seeded import a_forecast, a_run
from tests.people import a_person
from tradingbot.api.app import api

pytestmark = pytest.mark.django_db


def numbers(answer) -> list[int]:
    return [one["id"] for one in answer.json()["items"]]


def test_a_position_is_shown_with_all_that_belongs_to_it(held: Position) -> None:
    caller = a_caller("viewer")
    (shown,) = caller.get("/positions").json()["items"]
    assert (shown["account"], shown["symbol"], shown["quantity"]) == ("main", "BTCUSDT", "0.01")
    whole = caller.get(f"/positions/{held.pk}").json()
    assert {one["purpose"] for one in whole["orders"]} == {"entry", "protect"}
    assert whole["stop_price"] == next(
        o["trigger_price"] for o in whole["orders"] if o["purpose"] == "protect"
    )
    assert len(whole["fills"]) == held.fills.count()
    assert any("opened" in line["text"] or "filled" in line["text"] for line in whole["timeline"])


def test_open_and_closed_positions_are_told_apart(held: Position) -> None:
    caller = a_caller("viewer")
    closed = caller.get("/positions", state="closed").json()["items"]
    assert [one["status"] for one in closed] == ["closed"]
    assert len(numbers(caller.get("/positions", state="all"))) == 2
    assert numbers(caller.get("/positions", symbol="XRPUSDT")) == []


def test_pages_miss_nothing_and_repeat_nothing_while_rows_are_added() -> None:
    account, caller = an_account(), a_caller("viewer")
    made = [a_position(base, account=account).pk for base in ("A1", "B1", "C1", "D1", "E1")]
    first = caller.get("/positions", limit=2).json()
    a_position("F1", account=account)
    seen, after = [one["id"] for one in first["items"]], first["next"]
    while after:
        page = caller.get("/positions", limit=2, after=after).json()
        seen, after = seen + [one["id"] for one in page["items"]], page["next"]
    assert seen == made[::-1]


def test_rows_of_one_moment_are_paged_by_their_number() -> None:
    fill = a_fill()
    many = [a_fill(fill.order, executed_at=fill.executed_at).pk for _ in range(3)]
    caller = a_caller("viewer")
    first = caller.get("/fills", limit=3)
    rest = caller.get("/fills", limit=3, after=first.json()["next"])
    assert numbers(first) + numbers(rest) == [*many[::-1], fill.pk]
    assert rest.json()["next"] is None


@pytest.mark.parametrize("cursor", ["x", "é", "MjAyNi0wMS0wMQ==", "MjAyNi0wMS0wMVQwMDowMDowMCAx"])
def test_a_cursor_of_somebody_else_is_refused(cursor: str) -> None:
    answer = a_caller("viewer").get("/orders", after=cursor)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")


def test_every_list_and_figure_answers(held: Position) -> None:
    caller = a_caller("viewer")
    for path in ("orders", "fills", "signals", "strategies", "tickers", "accounts"):
        assert caller.get(f"/{path}").json()["items"], path
    figures = caller.get("/figures").json()
    assert (figures["mode"], figures["equity"], figures["open_positions"]) == ("PAPER", "10000", 1)
    assert caller.get("/equity").json()[0]["available_balance"] == "9000"
    assert {one["limit"] for one in caller.get("/limits").json()["main"]} == {"exposure", "positions"}
    assert caller.get("/health").json()["comparisons"].keys() == {"main"}


def test_no_answer_holds_a_key_of_an_account(held: Position) -> None:
    held.account.api_key, held.account.api_secret = "PLANTEDKEY", "PLANTEDSECRET"
    held.account.save(update_fields=["api_key", "api_secret"])
    caller, forecast = a_caller("admin"), a_forecast(a_run(held.account))
    for path in api.get_openapi_schema()["paths"]:
        filled = path.removeprefix(ROOT).format(
            position_id=held.pk, order_id=held.orders.first().pk, signal_number=1, name="first", run_id=1,
            forecast_number=forecast.pk, model_number=1,
        )  # fmt: skip
        assert b"PLANTED" not in caller.get(filled).content, path


def test_the_docs_are_ours_alone_and_for_whoever_is_signed_in() -> None:
    client = Client()
    assert client.get(f"{ROOT}/docs").status_code == 302
    client.force_login(a_person("viewer"))
    page = client.get(f"{ROOT}/docs")
    assert page.status_code == 200
    assert "unsafe" not in page["Content-Security-Policy"]
    text = page.content.decode()
    assert "http://" not in text
    assert "https://" not in text
    for part in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-init.js"):
        assert f"/static/ninja/{part}" in text
        assert client.get(f"/static/ninja/{part}").status_code == 200
    assert json.loads(client.get(f"{ROOT}/openapi.json").content)["openapi"] == "3.1.0"


def test_events_are_told_with_their_details() -> None:
    account = an_account(name="main")
    RiskEvent.objects.create(
        account=account,
        event_type="stop_refused",
        risk_level="high",
        position_id="7",
        details={"reason": "too near"},
    )
    RiskEvent.objects.create(event_type="stale", risk_level="low")
    caller = a_caller("viewer")
    (told,) = caller.get("/events", account="main").json()["items"]
    assert (told["kind"], told["level"], told["position_id"]) == ("stop_refused", "high", "7")
    assert told["details"] == {"reason": "too near"}
    assert len(numbers(caller.get("/events"))) == 2
    assert numbers(caller.get("/events", position_id=8)) == []


def test_messages_are_told_and_never_where_they_went() -> None:
    target = NotifyTarget.objects.create(name="phone", address="tgram://123:planted/456")
    NotifyMessage.objects.create(
        target=target, kind="risk_event", severity="high", same_as="x", title="Stop refused"
    )
    answer = a_caller("viewer").get("/notifications", delivery="waiting")
    (told,) = answer.json()["items"]
    assert (told["target"], told["title"], told["sent_at"]) == ("phone", "Stop refused", None)
    assert "planted" not in answer.content.decode()
    assert "tgram" not in answer.content.decode()


def test_reports_are_those_of_the_pages() -> None:
    first = a_strategy(name="first")
    ended = {
        "status": "closed",
        "closed_at": timezone.now(),
        "opened_at": timezone.now() - timedelta(hours=1),
    }
    a_position("BTC", strategy=first, realized_pnl=10, fees=1, **ended)
    a_position("ETH", account=first.accounts.get().account, realized_pnl=-4, fees=1, **ended)
    caller = a_caller("viewer")
    (day,) = caller.get("/reports/days", days=2).json()
    assert (day["trades"], day["result"], day["win_rate"]) == (2, "4", "50")
    of_each = {one["of"]: one["result"] for one in caller.get("/reports/strategies").json()}
    assert of_each == {"first": "9", "by hand or found": "-5"}
    assert caller.get("/reports/days", strategy="nobody").json() == []


def test_health_says_what_its_page_says() -> None:
    told = a_caller("viewer").get("/health/page").json()
    assert told["state"] in ("good", "warn", "unknown", "bad")
    assert {"PostgreSQL", "Redis"} <= {line["name"] for line in told["sections"]["Programs"]}
    assert told["protects"][0]["text"]
