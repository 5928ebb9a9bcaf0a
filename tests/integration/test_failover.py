"""A venue that is away: what is still known, where entries go, and what must be true before they come back."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import _django_db_helper

from exchanges import session
from exchanges.models import ExchangeAccount
from exchanges.paper.matching import Engine
from ops.ports import free_port
from positions.services.balances import get_total_balance, last_known_balances
from tests.builders import a_balance, an_account
from tests.conftest import ADDRESS

# a story in this process, which rolls back: other processes of this folder's stories must not work on its rows
__all__ = ["_django_db_helper"]


@pytest.fixture
def refusing(db, engine: Engine, settings) -> ExchangeAccount:
    """A primary whose port nobody listens at, beside a venue that answers."""
    settings.PAPER_EXCHANGE_URL = f"http://127.0.0.1:{free_port()}"
    settings.PAPER_EXCHANGE_URLS = {"bybit": ADDRESS}
    an_account(name="second", venue="bybit")
    return an_account(name="primary")


def test_the_total_is_known_while_the_primary_refuses_connections(refusing: ExchangeAccount) -> None:
    found = get_total_balance()
    assert found.total == found.fresh == D(10_000)
    [away] = found.unreachable
    assert (away.account, away.equity, away.why) == ("primary", None, "The exchange could not be reached.")
    assert not found.is_complete


def test_what_it_said_last_stands_apart_with_its_age(refusing: ExchangeAccount) -> None:
    told_at = timezone.now() - timedelta(minutes=3)
    a_balance(refusing, equity=D(2500), reported_at=told_at)
    found = get_total_balance()
    assert (found.total, found.fresh, found.last_known) == (D(12_500), D(10_000), D(2500))
    assert found.unreachable[0].told_at == told_at


def test_nobody_answering_is_unknown_and_never_zero(refusing: ExchangeAccount) -> None:
    ExchangeAccount.objects.exclude(pk=refusing.pk).delete()
    found = get_total_balance()
    assert (found.total, found.fresh) == (None, None)


def test_one_that_never_answers_holds_up_nobody(refusing: ExchangeAccount, settings) -> None:
    settings.BALANCE_SECONDS = 0.3
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        settings.PAPER_EXCHANGE_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = get_total_balance()
        session.close_all()
    assert found.fresh == D(10_000)
    assert found.unreachable[0].why == "no answer within 0.3 s"


def test_the_command_says_it_in_a_table_and_for_programs(refusing: ExchangeAccount) -> None:
    out = StringIO()
    call_command("balance", stdout=out)
    lines = out.getvalue().splitlines()
    assert "never told; not reachable: The exchange could not be reached." in lines[1]
    assert "1 of 2 not reachable" in lines[-1]
    out = StringIO()
    call_command("balance", "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert (said["total"], said["complete"]) == ("10000", False)
    assert [one["reachable"] for one in said["accounts"]] == [False, True]


def test_the_page_shows_what_is_old_as_old(refusing: ExchangeAccount, admin_client) -> None:
    a_balance(refusing, equity=D(2500), reported_at=timezone.now() - timedelta(minutes=3))
    a_balance(ExchangeAccount.objects.get(name="second"))
    told = admin_client.get("/health/").json()["balance"]
    assert (told["total"], told["fresh"]) == ("12500.00000000", "10000.00000000")
    assert last_known_balances().unreachable[0].why == "not renewed since"
