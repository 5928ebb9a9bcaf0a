from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from ops.people.services import tokens
from ops.people.token_models import ApiToken, Scope
from ops.people.tokens import bearer, may_with
from tests.ops.people.test_getting_in import is_stale
from tests.people import a_person
from tradingbot.people import ACT, LOOK, SWITCH

pytestmark = pytest.mark.django_db
KEYS = "exchanges.change_exchangeaccount"
FORM = {"name": "my script", "scope": "read", "days": "30"}


def issued(group: str = "admin", scope: Scope = Scope.READ) -> tuple[ApiToken, str]:
    return tokens.issue(a_person(group), "script", scope, 30)


@pytest.mark.parametrize(
    ("group", "scope", "allowed"),
    [
        ("admin", Scope.READ, {LOOK}), ("admin", Scope.TRADE, {LOOK, ACT, SWITCH}),
        ("admin", Scope.ADMIN, {LOOK, ACT, SWITCH, KEYS}), ("trader", Scope.ADMIN, {LOOK, ACT, SWITCH}),
        ("viewer", Scope.ADMIN, {LOOK}), ("", Scope.ADMIN, set()), ("admin", Scope.PANIC, {LOOK}),
    ],
)  # fmt: skip
def test_a_token_may_what_its_scope_and_its_person_both_may(group, scope, allowed):
    token = tokens.issue(a_person(group, "ada"), "script", scope, 30)[0]
    assert {one for one in (LOOK, ACT, SWITCH, KEYS) if may_with(token, one)} == allowed


def test_the_token_itself_is_kept_nowhere_and_its_use_is_noted():
    row, text = issued()
    now = timezone.now()
    assert tokens.token_of(text, now) == row
    row.refresh_from_db()
    assert row.last_used_at == now
    assert text not in str(ApiToken.objects.values().get())
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.update(token_hash=text)


def test_what_is_over_or_strange_opens_nothing():
    row, text = issued()
    now = timezone.now()
    assert tokens.token_of(text + "x", now) is None
    assert tokens.token_of("", now) is None
    assert tokens.token_of(text, now + timedelta(days=31)) is None
    User.objects.update(is_active=False)
    assert tokens.token_of(text, now) is None
    User.objects.update(is_active=True)
    assert tokens.revoke(row.user, row.pk)
    assert tokens.token_of(text, now) is None


def test_a_token_is_shown_once_on_its_page_and_in_no_message_or_address(client):
    client.force_login(a_person("viewer"))
    answer = client.post("/settings/tokens/", FORM)
    text = answer.context["token"]
    assert (answer.status_code, text in answer.content.decode()) == (201, True)
    assert text not in client.get("/settings/tokens/").content.decode() + str(client.cookies) + str(
        dict(client.session)
    )
    assert tokens.token_of(text, timezone.now()) is not None
    client.post(f"/settings/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert tokens.token_of(text, timezone.now()) is None


def test_nobody_makes_a_token_that_may_more_than_they_or_after_a_long_time(client):
    client.force_login(a_person("viewer"))
    for beyond in ("trade", "panic"):
        assert client.post("/settings/tokens/", FORM | {"scope": beyond}).status_code == 422
    is_stale(client)
    assert client.post("/settings/tokens/", FORM).url.startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.exists()


def test_nobody_revokes_what_is_not_theirs(client):
    row, text = issued()
    client.force_login(a_person("trader"))
    assert client.post(f"/settings/tokens/{row.pk}/revoke/").status_code == 404
    assert tokens.token_of(text, timezone.now()) == row


@pytest.mark.parametrize(
    ("header", "token"), [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("", "")]
)
def test_a_token_comes_in_its_header(header, token):
    assert bearer(header) == token
