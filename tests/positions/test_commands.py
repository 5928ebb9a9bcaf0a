"""manage.py positions, close and reconcile on real rows: what they say, and what their exit status means."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from exchanges.errors import Refused
from exchanges.models import AccountWatch, FlatRun
from positions.models import Order, Position
from tests.positions.services.conftest import Desk, desk  # noqa: F401
from tests.positions.services.test_orders import Trouble
from tests.positions.test_switch_commands import run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def refused(*words: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as error:
        call_command(*words, stdout=io.StringIO())
    return error.value.returncode, str(error.value)


def closes() -> int:
    return Order.objects.filter(purpose="close").count()


def test_positions_are_a_table_for_people_and_exact_values_for_programs(desk: Desk) -> None:  # noqa: F811
    position = desk.filled()
    desk.stop(position)
    status, told = run("positions")
    assert (status, "BTCUSDT" in told, "LONG" in told, desk.account.name in told) == (0, True, True, True)
    [row] = json.loads(run("positions", "--json")[1])
    stop = desk.order(position, "protect")
    assert (row["id"], Decimal(row["stop_price"])) == (position.pk, stop.trigger_price)


def test_nothing_held_is_an_empty_list_for_programs(db: None) -> None:
    assert run("positions", "--json") == (0, "[]\n")
    assert run("positions") == (0, "")


def test_watching_without_a_terminal_is_refused(db: None) -> None:
    assert refused("positions", "--watch")[0] == 2


@pytest.mark.parametrize("name", ["BTC", "btcusdt"])
def test_a_script_closes_by_saying_the_name_twice(desk: Desk, name: str) -> None:  # noqa: F811
    position = desk.filled()
    status, told = run("close", name, "--yes-close", name, "--by", "ada", "--json")
    position.refresh_from_db()
    assert (status, closes(), position.close_requested_by) == (0, 1, "ada")
    assert json.loads(told)[0]["answer"] == "Close order for BTC long is on its way."
    status, told = run("close", name, "--yes-close", name, "--json")
    assert (status, closes(), "no second order was made" in told) == (0, 1, True)


def test_where_nobody_can_be_asked_nothing_is_closed(desk: Desk, monkeypatch) -> None:  # noqa: F811
    desk.filled()
    monkeypatch.setattr("sys.stdin", io.StringIO("BTC\n"))
    status, said = refused("close", "BTC")
    assert (status, closes(), "--yes-close BTC" in said) == (2, 0, True)


@pytest.mark.parametrize(("typed", "closed"), [("btc\n", 1), ("ETH\n", 0), ("\n", 0)])
def test_a_person_types_the_name(desk: Desk, monkeypatch, typed: str, closed: int) -> None:  # noqa: F811
    desk.filled()
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    if closed:
        assert run("close", "BTC")[0] == 0
    else:
        assert refused("close", "BTC")[0] == 1
    assert closes() == closed


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("close",), 2),
        (("close", "BTC", "--all"), 2),
        (("close", "BTC", "--yes-close", "ETH"), 2),
        (("close", "ETH", "--yes-close", "ETH"), 1),
        (("close", "BTC", "--yes-close", "BTC", "--account", "another"), 1),
    ],
)
def test_what_cannot_be_meant_closes_nothing(desk: Desk, words: tuple[str, ...], status: int) -> None:  # noqa: F811
    desk.filled()
    assert (refused(*words)[0], closes()) == (status, 0)


def test_all_is_a_flat_of_every_account_and_not_proven_at_once(desk: Desk) -> None:  # noqa: F811
    desk.filled()
    assert refused("close", "--all", "--yes-close", "BTC")[0] == 2
    status, told = run("close", "--all", "--yes-close", "ALL", "--by", "ada", "--json")
    assert (status, closes(), FlatRun.objects.get().by) == (3, 1, "ada")
    assert json.loads(told)[0]["account"] == desk.account.name


def test_a_dry_comparison_says_what_differs_and_changes_nothing(desk: Desk) -> None:  # noqa: F811
    position = desk.filled()
    Position.objects.update(quantity=position.quantity * 2)
    status, told = run("reconcile", "--dry-run", "--json")
    [row] = json.loads(told)
    assert (status, row["differences"], "quantity differs" in row["said"]) == (0, 1, True)
    assert Position.objects.get().quantity == position.quantity * 2
    assert not AccountWatch.objects.filter(reconciled_at__isnull=False).exists()


def test_a_comparison_is_done_now(desk: Desk) -> None:  # noqa: F811
    desk.stop(desk.filled())
    status, told = run("reconcile", desk.account.name, "--json")
    [row] = json.loads(told)
    assert (status, row["compared"], "1 of 1" in row["said"]) == (0, True, True)


def test_an_exchange_that_refuses_is_no_success(desk: Desk) -> None:  # noqa: F811
    desk.filled()
    Trouble(desk).answer_with(Refused("Invalid API-key", code="-2015"), method="positions")
    for words in (("reconcile",), ("reconcile", "--dry-run")):
        status, told = run(*words, "--json")
        assert (status, json.loads(told)[0]["compared"], "-2015" in told) == (1, False, True)
