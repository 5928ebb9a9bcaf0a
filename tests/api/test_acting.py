"""What programs do: by the same services as people, once for their key, in their person's name."""

from __future__ import annotations

from decimal import Decimal as D
from uuid import uuid4

import pytest

from exchanges.models import ExchangeAccount, FlatRun, GlobalState
from ops.people.token_models import Scope
from positions.models import Order, PersonAct, Position
from signals_app.models import SignalLog
from tests.api.conftest import a_caller, a_target
from tests.positions.services.conftest import Desk

pytestmark = pytest.mark.django_db
SIGNAL = {"symbol": "BTCUSDT", "message": "buy", "bar_time": "2026-01-01T00:00:00Z"}


def test_a_position_is_closed_once_for_its_key(held: Position) -> None:
    caller, key = a_caller(name="ada"), uuid4()
    first = caller.post(f"/positions/{held.pk}/close", key=key)
    again = caller.post(f"/positions/{held.pk}/close", key=key)
    assert (first.status_code, first.json()) == (202, again.json())
    held.refresh_from_db()
    assert (held.status, held.close_requested_by) == ("closing", "ada")
    assert Order.objects.filter(position=held, purpose="close").count() == 1


def test_a_key_of_another_wish_does_nothing(held: Position) -> None:
    caller, key = a_caller(), uuid4()
    caller.post(f"/positions/{held.pk}/close-part", {"percent": 50}, key=key)
    refused = caller.post(f"/positions/{held.pk}/close", key=key)
    assert (refused.status_code, "something else" in refused.json()["detail"]) == (409, True)
    assert Position.objects.get(pk=held.pk).status == "open"


@pytest.mark.parametrize("body", [{"percent": "50"}, {"percent": 50}, {"quantity": "0.005"}])
def test_a_part_is_sold(held: Position, body: dict) -> None:
    answer = a_caller().post(f"/positions/{held.pk}/close-part", body)
    assert Order.objects.get(pk=answer.json()["order_id"]).quantity == D("0.005")


@pytest.mark.parametrize(
    "body",
    [{}, {"percent": 50, "quantity": 1}, {"percent": 0}, {"percent": "NaN"}, {"quantity": "1e-999999"}],
)
def test_a_part_that_makes_no_sense_is_refused(held: Position, body: dict) -> None:
    assert a_caller().post(f"/positions/{held.pk}/close-part", body).status_code == 422


def test_a_stop_is_moved_and_not_loosened_by_accident(held: Position) -> None:
    caller = a_caller()
    assert caller.post(f"/positions/{held.pk}/move-stop", {"stop_price": "99500"}).status_code == 202
    loosened = caller.post(f"/positions/{held.pk}/move-stop", {"stop_price": "90000"})
    assert loosened.status_code == 409
    wanted = {"stop_price": "90000", "may_loosen": True, "seen_stop_price": "98000"}
    assert "meanwhile" in caller.post(f"/positions/{held.pk}/move-stop", wanted).content.decode()
    wanted = {"stop_price": "90000", "may_loosen": True}
    assert caller.post(f"/positions/{held.pk}/move-stop", wanted).status_code == 422
    wanted |= {"seen_stop_price": "99500"}
    assert caller.post(f"/positions/{held.pk}/move-stop", wanted).status_code == 202


def test_an_order_is_canceled_but_no_stop(held: Position, desk: Desk) -> None:
    caller = a_caller()
    assert caller.post(f"/orders/{desk.order(held, 'protect').pk}/cancel").status_code == 409
    assert caller.post(f"/orders/{a_target(held).pk}/cancel").status_code == 202


def test_entries_are_paused_and_resumed_once_each(desk: Desk) -> None:
    caller, pause, resume = a_caller(name="ada"), uuid4(), uuid4()
    asked = {"reason": "going to bed", "account": "main"}
    assert caller.post("/entries/pause", asked, key=pause).status_code == 202
    account = ExchangeAccount.objects.get()
    assert (account.trading_state, account.state_by) == ("reducing", "ada")
    answer = caller.post("/entries/resume", {"account": "main"}, key=resume)
    assert (answer.status_code, "equity" in answer.json()["sentence"]) == (202, True)
    again = caller.post("/entries/pause", asked, key=pause)
    assert (again.status_code, ExchangeAccount.objects.get().trading_state) == (202, "active")


def test_a_pause_of_one_account_is_no_pause_of_another(desk: Desk) -> None:
    caller, key = a_caller(), uuid4()
    caller.post("/entries/pause", {"reason": "x", "account": "main"}, key=key)
    assert caller.post("/entries/pause", {"reason": "x"}, key=key).status_code == 409
    assert not GlobalState.objects.exists()
    assert caller.post("/entries/pause", {"reason": "x", "account": "other"}).status_code == 404


@pytest.mark.parametrize(
    ("group", "scope", "status"),
    [
        ("trader", Scope.TRADE, 403), ("admin", Scope.ADMIN, 403), ("viewer", Scope.PANIC, 403),
        ("trader", Scope.PANIC, 202),
    ],
)  # fmt: skip
def test_close_all_is_for_a_token_made_for_it(desk: Desk, group: str, scope: Scope, status: int) -> None:
    """No program says anew who it is: its person did, when he made it."""
    caller = a_caller(group, scope, "ada")
    asked = {"reason": "enough", "confirm": "main", "account": "main"}
    assert caller.post("/close-all", asked).status_code == status
    assert FlatRun.objects.count() == (status == 202)
    if scope == Scope.PANIC:
        assert caller.post("/entries/pause", {"reason": "x"}).status_code == 403


def test_close_all_wants_its_word(held: Position) -> None:
    caller, key = a_caller("trader", Scope.PANIC, "ada"), uuid4()
    assert caller.post("/close-all", {"reason": "x", "confirm": "yes"}).status_code == 422
    assert not FlatRun.objects.exists()
    asked = {"reason": "enough", "confirm": "ALL"}
    run_id = caller.post("/close-all", asked, key=key).json()["flat_run_id"]
    assert caller.post("/close-all", asked, key=key).json()["flat_run_id"] == run_id
    run = caller.get(f"/close-all/{run_id}").json()
    assert (run["by"], [one["account"] for one in run["reports"]]) == ("ada", ["main"])
    assert PersonAct.objects.get().flat_run_id == run_id


def test_a_signal_goes_through_the_ordinary_intake(desk: Desk) -> None:
    caller, key = a_caller(), uuid4()
    first = caller.post("/signals", SIGNAL, key=key)
    again = caller.post("/signals", SIGNAL, key=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["status"] in ("duplicate", "ignored")
    row = SignalLog.objects.get(pk=first.json()["id"])
    assert (row.source.startswith("api:token "), row.delivery) == (True, str(key))
    shown = caller.get(f"/signals/{row.pk}").json()
    assert shown["symbol"] == "BTCUSDT"


def test_a_signal_that_cannot_be_read_is_refused(desk: Desk) -> None:
    caller = a_caller()
    assert caller.post("/signals", SIGNAL | {"bar_time": "yesterday"}).status_code == 422
    assert caller.post("/signals", {"symbol": "BTCUSDT"}).status_code == 422


def test_a_note_stands_in_the_timeline_once_for_its_key(held: Position) -> None:
    caller, key = a_caller(name="ada"), uuid4()
    for _ in range(2):
        assert (
            caller.post(f"/positions/{held.pk}/note", {"text": "before the news"}, key=key).status_code == 202
        )
    assert PersonAct.objects.get(act="note").given == {"text": "before the news"}
    assert caller.post(f"/positions/{held.pk}/note", {"text": " "}).status_code == 422
