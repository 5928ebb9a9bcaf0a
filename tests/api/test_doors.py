"""Who may ask, how often, and how a no is said."""

from __future__ import annotations

import pytest
from django.test import Client

from ops.people.token_models import ApiToken, Scope
from positions.models import Position
from signals_app import limits
from signals_app.buckets import Rate
from tests.api.conftest import ROOT, Caller, a_caller
from tests.people import a_person
from tradingbot.api import doors

pytestmark = pytest.mark.django_db


def problem(answer, status: int) -> dict:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), (
        answer.content
    )
    said = answer.json()
    assert said["status"] == status
    return said


def test_strangers_are_told_how_to_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signals_app.doors.strangers", limits.Strangers())
    answer = Caller("").get("/positions")
    problem(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"
    problem(Caller("tb_wrong").get("/positions"), 401)
    signed_in = Client()
    signed_in.force_login(a_person("admin"))
    problem(signed_in.get(f"{ROOT}/positions"), 401)


def test_who_guesses_tokens_is_slowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signals_app.doors.strangers", limits.Strangers(clock=lambda: 0.0))
    guesses = [Caller("tb_wrong").get("/positions").status_code for _ in range(32)]
    assert guesses == [401] * 30 + [429] * 2


def test_a_revoked_token_opens_nothing() -> None:
    caller = a_caller()
    assert caller.get("/positions").status_code == 200
    ApiToken.objects.update(revoked_at="2026-01-01T00:00:00Z")
    problem(caller.get("/positions"), 401)


@pytest.mark.parametrize(
    ("group", "scope", "status"),
    [
        ("trader", Scope.TRADE, 202), ("admin", Scope.ADMIN, 202), ("trader", Scope.READ, 403),
        ("viewer", Scope.TRADE, 403), ("viewer", Scope.ADMIN, 403), ("", Scope.ADMIN, 403),
    ],
)  # fmt: skip
def test_acts_ask_for_scope_and_person(held: Position, group: str, scope: Scope, status: int) -> None:
    caller = a_caller(group, scope, "ada")
    assert caller.post("/entries/pause", {"reason": "x"}).status_code == status
    assert caller.post(f"/positions/{held.pk}/close").status_code == status
    assert caller.get("/positions").status_code == (200 if group else 403)


def test_a_token_asks_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "RATE", Rate(per_minute=60, burst=2))
    caller, other = a_caller(), a_caller(name="other")
    assert [caller.get("/equity").status_code for _ in range(3)] == [200, 200, 429]
    assert caller.get("/equity")["Retry-After"] == "1"
    assert other.get("/equity").status_code == 200


def test_every_no_is_a_problem() -> None:
    caller = a_caller()
    assert "{" not in problem(caller.get("/positions/0"), 422)["errors"][0]["where"]
    problem(caller.get("/positions/999"), 404)
    problem(caller.get("/nowhere"), 404)
    problem(caller.get("/"), 404)
    wrong = caller.client.delete(f"{ROOT}/positions", headers=caller.headers())
    problem(wrong, 405)
    assert wrong["Allow"] == "GET"
    told = caller.client.post(
        f"{ROOT}/entries/pause", "{", content_type="application/json", headers=caller.headers("0" * 32)
    )
    problem(told, 400)
    assert problem(caller.post("/entries/pause", {"reason": "x"}, key=None), 422)["errors"]
    problem(caller.post("/entries/pause", {"reason": "a\x00b"}), 422)
