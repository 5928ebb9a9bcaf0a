"""manage.py halt, reduce, resume and flat: what they say, and what their exit status means."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from exchanges.errors import Refused
from exchanges.models import ExchangeAccount, FlatReport, GlobalState, StateChange
from positions.lifecycle import OrderStatus
from positions.models import Order
from positions.services import halting
from tests.positions.services.conftest import Desk, desk  # noqa: F401
from tests.positions.services.test_orders import Trouble


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command(*words, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.parametrize(("command", "state"), [("halt", "halted"), ("reduce", "reducing")])
def test_an_account_is_stopped_and_the_table_says_so(desk: Desk, command: str, state: str) -> None:  # noqa: F811
    desk.open()
    status, told = run(command, desk.account.name, "--reason", "enough", "--by", "ada")
    assert (status, f"is now {state}" in told, "enough" in told) == (0, True, True)
    change = StateChange.objects.get()
    assert (change.account_id, change.to_state, change.by) == (desk.account.pk, state, "ada")
    assert "was already" in run(command, desk.account.name, "--reason", "again")[1]


def test_all_are_stopped_and_let_go_on(desk: Desk) -> None:  # noqa: F811
    [told] = json.loads(run("halt", "--all", "--reason", "storm", "--json")[1])
    assert told["account"] == "every account"
    assert GlobalState.objects.get().trading_state == "halted"
    status, told = run("resume", "--all", "--by", "ada")
    assert (status, "equity 10,000.00" in told, "is now active" in told) == (0, True, True)


def test_entries_on_the_wire_are_followed_until_they_are_known(desk: Desk) -> None:  # noqa: F811
    position = desk.filled()
    Order.objects.update(status=OrderStatus.SUBMITTED, filled_quantity=0, submitted_at=timezone.now())
    status, told = run("halt", "--all", "--reason", "storm", "--json")
    assert (status, json.loads(told)[0]["on_the_wire"][0]["became"]) == (0, "filled")
    assert desk.order(position, "entry").status == "filled"


def test_one_that_stays_unknown_is_no_success(desk: Desk) -> None:  # noqa: F811
    desk.open()
    Order.objects.update(status=OrderStatus.SUBMITTED, submitted_at=timezone.now())
    status, told = run("halt", "--all", "--reason", "storm", "--wait", "0")
    assert (status, "submitted" in told) == (1, True)


def test_flat_without_waiting_is_not_proven_yet(desk: Desk) -> None:  # noqa: F811
    desk.filled()
    status, told = run("flat", desk.account.name, "--reason", "storm")
    assert (status, "closing" in told, f"/flat/{FlatReport.objects.get().run_id}/" in told) == (1, True, True)


def test_flat_that_waits_needs_no_worker_and_ends_with_the_proof(desk: Desk) -> None:  # noqa: F811
    desk.stop(desk.filled())
    Order.objects.update(created_at=timezone.now() - timezone.timedelta(minutes=1))
    status, told = run("flat", "--all", "--reason", "storm", "--by", "ada", "--wait", "30", "--json")
    [report] = json.loads(told)
    assert (status, report["outcome"], report["positions"], report["orders"]) == (0, "flat", 0, 0)
    assert desk.held() == 0


def test_what_is_left_is_named_with_its_reason(desk: Desk) -> None:  # noqa: F811
    position = desk.filled()
    Trouble(desk).answer_with(Refused("Market is closed", code="-1013"))
    run("flat", "--all", "--reason", "storm")
    desk.submit(position, "close")
    status, told = run("flat", "--all", "--reason", "storm", "--json")
    assert (status, "-1013 Market is closed" in json.loads(told)[0]["left"][0]["why"]) == (1, True)
    assert "Still there" in run("flat", "--all", "--reason", "storm")[1]


def test_resuming_what_the_exchange_still_refuses_fails_with_its_sentence(desk: Desk) -> None:  # noqa: F811
    halting.halt(desk.account.pk, "-2015 Invalid API-key")
    Trouble(desk).answer_with(Refused("Invalid API-key", code="-2015"), method="balance")
    status, told = run("resume", desk.account.name, "--by", "ada")
    assert (status, "-2015 Invalid API-key" in told, "stays halted" in told) == (1, True, True)
    assert ExchangeAccount.objects.get().trading_state == "halted"


@pytest.mark.parametrize(
    "words", [("halt", "nobody", "--reason", "x"), ("halt", "--reason", "x"), ("flat", "--all")]
)
def test_what_cannot_be_meant_is_an_error(db, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command(*words)
