"""The history of a setting says who changed what from what to what, also when it was changed past all pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection

from exchanges.models import ExchangeAccount
from ops.trail.history import history_of
from ops.trail.person import in_the_name_of
from signals_app.models import Strategy
from tests.builders import a_strategy, an_account

pytestmark = pytest.mark.django_db


def page_of(client, record):
    meta = record._meta
    return client.get(f"/admin/{meta.app_label}/{meta.model_name}/{record.pk}/history/")


def told(page):
    return [
        (event.who, event.what, [(d.name, d.before, d.after) for d in event.differences])
        for event in page.context["events"]
    ]


def test_a_change_on_a_page_names_the_person_and_both_values(admin_client):
    strategy = a_strategy(name="trend")
    chosen = {"action": "pause", "_selected_action": [strategy.pk]}
    admin_client.post("/admin/signals_app/strategy/", chosen)
    events = told(page_of(admin_client, strategy))
    assert ("admin", "changed", [("allow_open", "True", "False")]) in events
    assert ("admin", "Paused: it opens nothing.", []) in events


def test_a_change_past_all_pages_is_there_too(admin_client):
    strategy = a_strategy(name="trend")
    strategy.protection["stop_loss"]["percent"] = "3"
    Strategy.objects.filter(pk=strategy.pk).update(protection=strategy.protection)
    with connection.cursor() as cursor:
        cursor.execute("SET application_name = 'psql'")
        cursor.execute("UPDATE signals_app_strategy SET leverage = 7 WHERE id = %s", [strategy.pk])
    events = told(page_of(admin_client, strategy))
    assert ("psql", "changed", [("leverage", "5", "7")]) in events
    assert ("the bot", "changed", [("protection stop_loss percent", "2", "3")]) in events


def test_where_it_trades_is_part_of_its_story(admin_client):
    strategy = a_strategy()
    place = strategy.accounts.get()
    place.leverage = 3
    with in_the_name_of("ada"):
        place.save()
    assert ("ada", "account it trades on changed", [("leverage", "", "3")]) in told(
        page_of(admin_client, strategy)
    )


def test_keys_are_in_no_history(admin_client):
    account = an_account(api_key="the-key-123", api_secret="the-secret-456")
    page = page_of(admin_client, account).content.decode()
    assert "the-key" not in page
    assert "the-secret" not in page
    assert isinstance(account, ExchangeAccount)


def test_the_name_goes_with_the_request(admin_client):
    strategy = a_strategy()
    admin_client.post("/admin/signals_app/strategy/", {"action": "pause", "_selected_action": [strategy.pk]})
    strategy.leverage = 9
    strategy.save()
    assert history_of(strategy, {"signals_app_strategy": [str(strategy.pk)]})[0].who == "the bot"


def test_who_may_not_look_at_it_sees_no_history(client):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_ticker"))
    client.force_login(user)
    assert page_of(client, a_strategy()).status_code == 403
