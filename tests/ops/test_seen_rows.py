"""Two tabs at one form of the admin: the second does not undo what the first did, nor what a button did meanwhile."""

from __future__ import annotations

import pytest
from django.core.signing import loads

from ops.desk.seen_rows import SALT
from signals_app.models import Strategy
from tests.builders import a_strategy, a_ticker, an_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def strategy() -> Strategy:
    made = a_strategy(name="trend", use_all_tickers=False)
    made.tickers.add(a_ticker("BTCUSDT"))
    return made


def opened(client, url: str) -> dict[str, object]:
    """What a browser would send back, formsets too."""
    page = client.get(url)
    form, sets = page.context["adminform"].form, page.context["inline_admin_formsets"]
    every = [
        form,
        *(one.formset.management_form for one in sets),
        *(row for one in sets for row in one.formset),
    ]
    shown = {bound.html_name: bound.value() for one in every for bound in one}
    return {name: value for name, value in shown.items() if value is not None and value is not False}


def test_a_strategy_that_was_paused_meanwhile_is_not_resumed_by_an_old_form(admin_client, strategy):
    url = f"/admin/signals_app/strategy/{strategy.pk}/change/"
    old = opened(admin_client, url)
    Strategy.objects.filter(pk=strategy.pk).update(allow_open=False)
    answer = admin_client.post(url, old)
    assert answer.status_code == 200
    assert "Nothing was saved: since this page was opened somebody changed" in answer.content.decode()
    assert Strategy.objects.get().allow_open is False


def test_a_list_that_was_changed_meanwhile_counts_too(admin_client, strategy):
    url = f"/admin/signals_app/strategy/{strategy.pk}/change/"
    old = opened(admin_client, url)
    strategy.tickers.add(a_ticker("ETHUSDT"))
    assert "somebody changed tickers" in admin_client.post(url, old).content.decode()


def test_what_nobody_else_changed_is_saved(admin_client, strategy):
    url = f"/admin/signals_app/strategy/{strategy.pk}/change/"
    answer = admin_client.post(url, opened(admin_client, url) | {"name": "other"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Strategy.objects.get().name == "other"


@pytest.mark.parametrize("place", ["exchanges/exchangeaccount", "signals_app/ticker"])
def test_other_pages_say_what_they_saw_and_no_secret(admin_client, place):
    row = an_account() if "account" in place else a_ticker("BTCUSDT")
    answer = admin_client.get(f"/admin/{place}/{row.pk}/change/")
    assert b'name="seen_row"' in answer.content
    seen = loads(answer.context["adminform"].form.initial["seen_row"], salt=SALT)
    assert seen
    assert "api_secret" not in seen
