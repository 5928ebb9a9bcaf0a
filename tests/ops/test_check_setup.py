"""manage.py check_setup: each sentence is found out for real."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from exchanges.errors import Refused
from exchanges.models import AccountWatch, ExchangeAccount
from positions.models import InvariantCheck
from tests.positions.services.conftest import Desk, desk  # noqa: F401
from tests.positions.services.test_orders import Trouble
from tests.positions.test_switch_commands import run


def checked() -> tuple[int, dict[str, bool | None]]:
    status, told = run("check_setup", "--json")
    return status, {one["what"]: one["is_good"] for one in json.loads(told)}


@pytest.fixture
def alive(desk: Desk) -> Desk:  # noqa: F811
    InvariantCheck.objects.create(name="a sentence", is_true=True, checked_at=timezone.now())
    AccountWatch.objects.create(account=desk.account, reconciled_at=timezone.now(), clock_offset_ms=4)
    return desk


def test_an_installation_that_runs_is_told_so(alive: Desk) -> None:
    status, found = checked()
    assert (status, set(found.values())) == (0, {True}), found
    assert {"database", "Redis", "migrations", "keys", "beat and sweeps", "mode"} <= set(found)
    assert "✔" in run("check_setup")[1]


def test_a_bot_that_stands_still_is_found_out(alive: Desk) -> None:
    InvariantCheck.objects.update(checked_at=timezone.now() - timedelta(minutes=5))
    AccountWatch.objects.update(reconciled_at=timezone.now() - timedelta(minutes=5))
    status, found = checked()
    assert (status, found["beat and sweeps"]) == (1, False)
    assert found[f"{alive.account.name}: compared with the exchange"] is False
    told = run("check_setup")[1]
    assert "✘" in told
    assert "Start the bot" in told


def test_a_clock_that_is_wrong_is_told(alive: Desk) -> None:
    AccountWatch.objects.update(clock_offset_ms=60_000)
    assert checked()[1][f"{alive.account.name}: clock"] is False


def test_what_the_exchange_does_not_tell_is_unknown_and_no_yes(alive: Desk) -> None:
    Trouble(alive).answer_with(Refused("Invalid API-key", code="-2015"), method="key_permissions")
    status, found = checked()
    assert (status, found[f"{alive.account.name}: rights of the key"]) == (3, None)


def test_keys_that_nobody_can_read_are_told_without_showing_them(alive: Desk) -> None:
    with connection.cursor() as cursor:
        table = ExchangeAccount._meta.db_table
        cursor.execute(f"UPDATE {table} SET api_key = 'written-with-another-key'")  # noqa: S608
    status, told = run("check_setup", "--json")
    [keys] = [one for one in json.loads(told) if one["what"] == "keys"]
    assert (status, keys["is_good"], "FIELD_KEYS" in keys["how_to_fix"]) == (1, False, True)
    assert "written-with-another-key" not in told


def test_a_redis_that_is_away_is_told_with_what_to_do(alive: Desk, settings) -> None:
    settings.REDIS_URL = "redis://:a-password@127.0.0.1:1/0"
    status, told = run("check_setup", "--json")
    [answer] = [one for one in json.loads(told) if one["what"] == "Redis"]
    assert (status, answer["is_good"], "REDIS_URL" in answer["how_to_fix"]) == (1, False, True)
    assert "a-password" not in told


def test_without_an_account_nothing_can_be_traded(db: None) -> None:
    assert checked()[1]["accounts"] is False
