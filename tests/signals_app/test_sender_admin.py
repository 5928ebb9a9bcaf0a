"""What the owner types for a sender: shown back where it may be, refused with plain words where it makes no sense."""

from __future__ import annotations

import re

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse

from signals_app.models import SignalSender, Strategy
from signals_app.tokens import token_hash
from tests.builders import a_strategy

pytestmark = pytest.mark.django_db
ADD = "admin:signals_app_signalsender_add"
LIST = "admin:signals_app_signalsender_changelist"
KEY = "a key that both of them know"
FORM = {
    "name": "charts",
    "enabled": "on",
    "rate_per_minute": "60",
    "burst": "5",
    "replay_window_seconds": "300",
}


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner"))
    return client


def change_page(sender: SignalSender) -> str:
    return reverse("admin:signals_app_signalsender_change", args=[sender.pk])


def a_sender(**values: object) -> SignalSender:
    return SignalSender.objects.create(name="charts", token_hash="a" * 64, **values)


def typed(owner: Client, page: str, **changes: object) -> str:
    """What the page says after this was sent."""
    return owner.post(page, FORM | changes, follow=True).content.decode()


def test_everything_a_sender_may_do_is_typed_on_one_page(owner: Client) -> None:
    chosen = a_strategy()
    typed(
        owner, reverse(ADD), strategies=[chosen.pk], max_age_seconds="30", new_signing_key=KEY,
        allowed_networks="203.0.113.7, 10.0.0.0/8\n2001:db8::/32", requires_signature="on",
    )  # fmt: skip
    sender = SignalSender.objects.get()
    assert list(sender.strategies.all()) == [chosen]
    assert (sender.max_age_seconds, sender.rate_per_minute, sender.burst) == (30, 60, 5)
    assert sender.allowed_networks.split() == ["203.0.113.7/32", "10.0.0.0/8", "2001:db8::/32"]
    assert (sender.signing_key, sender.requires_signature) == (KEY, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"allowed_networks": "10.0.0.1/8"}, "10.0.0.1/8 has host bits set"),
        ({"allowed_networks": "everywhere"}, "is no network"),
        ({"new_signing_key": "short"}, "at least 16 characters"),
        ({"requires_signature": "on"}, "Without a signing key no signature could be checked."),
        ({"requires_signature": "on", "new_signing_key": "short"}, "at least 16 characters"),
        ({"new_signing_key": KEY, "forget_signing_key": "on"}, "Type a new key or forget it, not both."),
        ({"burst": "0"}, "greater than or equal to 1"),
        ({"rate_per_minute": "-1"}, "greater than or equal to 0"),
        ({"max_age_seconds": "0"}, "greater than or equal to 1"),
        ({"replay_window_seconds": "0"}, "greater than or equal to 1"),
        ({"name": "two words"}, "valid"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_with_the_reason(owner: Client, changes: dict, reason: str) -> None:
    assert reason in typed(owner, reverse(ADD), **changes)
    assert not SignalSender.objects.exists()


def test_a_signing_key_is_encrypted_and_never_shown_again(owner: Client) -> None:
    answer = typed(owner, reverse(ADD), new_signing_key=KEY)
    sender = SignalSender.objects.get()
    assert "Set. Leave blank to keep it" in owner.get(change_page(sender)).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT signing_key FROM signals_app_signalsender")
        (stored,) = cursor.fetchone()
    pages = [answer, stored, owner.get(change_page(sender)).content.decode()]
    assert not [page for page in pages if KEY in page]


def test_a_blank_key_keeps_the_stored_one_and_only_a_tick_forgets_it(owner: Client) -> None:
    sender = a_sender(signing_key=KEY)
    typed(owner, change_page(sender), burst="7")
    sender.refresh_from_db()
    assert (sender.signing_key, sender.burst) == (KEY, 7)
    refused = typed(owner, change_page(sender), forget_signing_key="on", requires_signature="on")
    assert "Without a signing key" in refused
    typed(owner, change_page(sender), forget_signing_key="on")
    sender.refresh_from_db()
    assert sender.signing_key == ""


def test_a_key_that_cannot_be_opened_any_more_is_replaced_on_its_page(owner: Client, settings) -> None:
    sender = a_sender(signing_key=KEY)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    assert owner.get(reverse(LIST)).status_code == 200
    typed(owner, change_page(sender), burst="7")
    typed(owner, change_page(sender), new_signing_key=KEY[::-1])
    assert SignalSender.objects.get().signing_key == KEY[::-1]


def test_a_new_token_is_shown_once_and_the_old_one_is_gone(owner: Client) -> None:
    sender = a_sender(signing_key=KEY)
    chosen = {"action": "give_new_tokens", "_selected_action": [sender.pk]}
    answer = owner.post(reverse(LIST), chosen, follow=True).content.decode()
    (token,) = re.findall(r"new-token\">([\w-]{43})<", answer)
    sender.refresh_from_db()
    assert (sender.token_hash, sender.signing_key) == (token_hash(token), KEY)
    assert token not in owner.get(reverse(LIST)).content.decode()
    assert LogEntry.objects.get().change_message == "New token."


@pytest.mark.parametrize(
    "values",
    [{"requires_signature": True}, {"burst": 0}, {"max_age_seconds": 0}, {"replay_window_seconds": 0}],
    ids=str,
)
def test_the_database_itself_refuses_what_no_form_would_let_through(values: dict) -> None:
    with pytest.raises(IntegrityError):
        a_sender(**values)


def test_a_strategy_that_a_sender_was_given_is_not_deleted(owner: Client) -> None:
    """Its scope would become empty, and that means all strategies."""
    given = a_strategy()
    a_sender().strategies.add(given)
    page = reverse("admin:signals_app_strategy_delete", args=[given.pk])
    assert "Sender charts was given it" in owner.post(page, {"post": "yes"}, follow=True).content.decode()
    chosen = {"action": "delete_selected", "_selected_action": [given.pk], "post": "yes"}
    owner.post(reverse("admin:signals_app_strategy_changelist"), chosen)
    assert list(Strategy.objects.all()) == [given]
