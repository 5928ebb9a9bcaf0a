"""The link of the start: once, soon, here, on paper; a second factor is asked for all the same."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from ops.models import LoginLink
from ops.people.services import login_links
from tests.people import a_person, with_second_factor

pytestmark = pytest.mark.django_db
PAGE = "/accounts/link/"


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", password="a long one")


def comes(client: Client, word: str, **meta: str):
    return client.post(PAGE, {"word": word}, **meta)


def test_it_signs_in_once(client, boss) -> None:
    word = login_links.issue(boss, timezone.now())
    assert client.get(PAGE).status_code == 200
    assert comes(client, word).url == "/accounts/second-factor/?next=%2F"
    assert client.get("/settings/").status_code == 200
    stranger = Client()
    assert comes(stranger, word).status_code == 403
    assert stranger.get("/settings/").status_code == 302


def test_only_its_hash_is_kept_and_only_the_newest_works(client, boss) -> None:
    old, new = (login_links.issue(boss, timezone.now()) for _ in range(2))
    assert new not in str(LoginLink.objects.values().get())
    with pytest.raises(IntegrityError), transaction.atomic():
        LoginLink.objects.update(token_hash=new)
    assert comes(client, old).status_code == 403
    assert comes(client, new).status_code == 302


@pytest.mark.parametrize("word", ["", "x", "\x00"])
def test_what_is_no_link_opens_nothing(client, boss, word) -> None:
    login_links.issue(boss, timezone.now())
    assert comes(client, word).status_code == 403
    assert LoginLink.objects.count() == 1


def test_late_or_locked_out_it_opens_nothing(client, boss) -> None:
    late = login_links.issue(boss, timezone.now() - login_links.LIVES - timedelta(seconds=1))
    assert comes(client, late).status_code == 403
    word = login_links.issue(boss, timezone.now())
    User.objects.update(is_active=False)
    assert comes(client, word).status_code == 403


@pytest.mark.parametrize(
    "meta", [{"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, {"REMOTE_ADDR": ""}]
)
def test_it_works_on_the_machine_itself_alone(client, boss, meta) -> None:
    word = login_links.issue(boss, timezone.now())
    assert comes(client, word, **meta).status_code == 403
    assert comes(client, word).status_code == 302, "and it is not used up by that"


def test_with_real_money_it_opens_nothing(client, boss, settings) -> None:
    word = login_links.issue(boss, timezone.now())
    settings.DRY_RUN = False
    assert comes(client, word).status_code == 403
    assert client.get("/settings/").status_code == 302


def test_who_has_a_second_factor_is_asked_for_it(client, boss) -> None:
    with_second_factor(boss)
    assert comes(client, login_links.issue(boss, timezone.now())).url.startswith(
        "/accounts/2fa/authenticate/"
    )
    assert client.get("/settings/").status_code == 302


def test_the_start_makes_one_for_the_administrator_on_paper_alone(client, settings) -> None:
    def told(*words: str) -> dict[str, str]:
        out = StringIO()
        call_command("first_start", "--json", *words, stdout=out)
        return dict(json.loads(out.getvalue()))

    assert told("--link").keys() == {"user", "password", "link_of", "link"}
    again = told("--link")
    assert again.keys() == {"link_of", "link"}
    assert comes(client, again["link"]).status_code == 302
    assert told() == {}
    settings.DRY_RUN = False
    assert told("--link") == {}


def test_others_are_let_in_by_no_link_of_the_start(client) -> None:
    a_person("admin", "ada")
    User.objects.filter(is_superuser=True).delete()
    assert login_links.of_the_administrator(timezone.now()) is None
