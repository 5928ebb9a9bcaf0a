"""Everything that opens a door or cannot be called back, in one list: asked of whoever said a moment ago who they are,
and of nobody else. To halt is not among them, nor is anything that only takes away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exchanges.models import ExchangeAccount, FlatRun
from ops.models import NotifyTarget
from ops.people.token_models import ApiToken
from signals_app.models import SignalSender
from signals_app.tokens import token_hash
from tests.builders import an_account
from tests.ops.people.test_getting_in import is_stale
from tests.people import a_person

pytestmark = pytest.mark.django_db
ACCOUNT, TARGET = "/admin/exchanges/exchangeaccount", "/admin/ops/notifytarget"
SENDER, PERSON = "/admin/signals_app/signalsender", "/admin/auth/user"


@dataclass(frozen=True)
class Door:
    """`was_done` is false before; `{}` is the number of the row that is there."""

    address: str
    form: dict[str, str]
    was_done: Callable[[], bool]


def a_key_changed() -> bool:
    return ExchangeAccount.objects.get(name="main").api_key == "typed-now-0123456789"


DOORS = {
    "exchange keys": Door(f"{ACCOUNT}/901/change/", {"api_key": "typed-now-0123456789"}, a_key_changed),
    "live mode": Door(
        f"{ACCOUNT}/901/change/",
        {"is_live_confirmed": "on"},
        lambda: ExchangeAccount.objects.filter(name="main", is_live_confirmed=True).exists(),
    ),
    "a connection test": Door(f"{ACCOUNT}/901/connection/", {}, lambda: False),
    "close all": Door(
        "/close-all/", {"key": str(uuid4()), "word_typed": "CLOSE 0", "reason": "x"}, FlatRun.objects.exists
    ),
    "close an account": Door("/switch/main/flat/", {"word": "main", "reason": "x"}, FlatRun.objects.exists),
    "a token of a program": Door(
        "/settings/tokens/", {"name": "mine", "scope": "read", "days": "3"}, ApiToken.objects.exists
    ),
    "an address of messages": Door(
        f"{TARGET}/add/",
        {"name": "phone", "new_address": "ntfy://host/topic"},
        NotifyTarget.objects.filter(name="phone").exists,
    ),
    "another address": Door(
        f"{TARGET}/901/change/",
        {"name": "elsewhere"},
        NotifyTarget.objects.filter(name="elsewhere").exists,
    ),
    "no address any more": Door(
        f"{TARGET}/901/delete/", {"post": "yes"}, lambda: not NotifyTarget.objects.exists()
    ),
    "a sender's token": Door(
        f"{SENDER}/add/", {"name": "another"}, SignalSender.objects.filter(name="another").exists
    ),
    "new tokens of senders": Door(
        f"{SENDER}/",
        {"action": "give_new_tokens", "_selected_action": "901"},
        lambda: SignalSender.objects.get(pk=901).token_hash != token_hash("old"),
    ),
    "a person": Door(
        f"{PERSON}/add/", {"username": "eve"}, User.objects.filter(username="eve").exists
    ),
    "a person's rights": Door(
        f"{PERSON}/901/change/", {"username": "mallory"}, User.objects.filter(username="mallory").exists
    ),
    "a person's password": Door(
        f"{PERSON}/901/password/", {"password1": "a new long one", "password2": "a new long one"}, lambda: False
    ),
}  # fmt: skip


@pytest.fixture
def owner(client: Client) -> Client:
    an_account(pk=901, name="main", api_key="kept-0123456789")
    NotifyTarget.objects.create(pk=901, name="home", address="ntfy://host/home")
    SignalSender.objects.create(pk=901, name="old", token_hash=token_hash("old"))
    a_person("viewer", "watcher", pk=901, password="as it was, long")
    client.force_login(a_person("admin", "owner"))
    return client


@pytest.mark.parametrize("what", DOORS)
def test_it_is_asked_anew_who_does(owner: Client, what: str) -> None:
    door, before = DOORS[what], User.objects.get(pk=901).password
    is_stale(owner)
    answer = owner.post(door.address, door.form)
    assert answer.status_code == 302, "nothing is shown, and nothing is done"
    assert answer.url.startswith("/accounts/reauthenticate/?next=%2F")
    assert not door.was_done()
    assert User.objects.get(pk=901).password == before


def test_whoever_just_signed_in_is_not_asked(owner: Client) -> None:
    for door in DOORS.values():
        answer = owner.post(door.address, door.form)
        assert not getattr(answer, "url", "").startswith("/accounts/"), door.address


def test_who_may_only_look_is_asked_nothing(client: Client) -> None:
    NotifyTarget.objects.create(pk=901, name="home", address="ntfy://host/home")
    client.force_login(a_person("viewer"))
    is_stale(client)
    assert client.get(f"{TARGET}/901/change/").status_code == 200
