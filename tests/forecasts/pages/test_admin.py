"""Feeds and models in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from signals_app.forecast_models import ForecastFeed
from tests.builders import an_account
from tests.forecasts.seeded import a_feed, a_model
from tests.positions.lists.looking import client_of, text_of
from tradingbot.freshness import CONFIRMED_AT

pytestmark = pytest.mark.django_db
FEEDS, MODELS = "/admin/signals_app/forecastfeed/", "/admin/signals_app/forecastmodel/"


@pytest.fixture
def admin() -> Client:
    return client_of("admin")


def test_a_new_feed_sends_nothing_before_its_owner_says_so(admin: Client) -> None:
    account = an_account()
    asked = {
        "account": account.pk, "enabled": "on", "timeframe": "15m", "days_kept": 400, "profile": "moderate",
        "long_phrase": "FORECAST LONG", "short_phrase": "FORECAST SHORT",
    }  # fmt: skip
    assert admin.post(f"{FEEDS}add/", asked).status_code == 302
    made = ForecastFeed.objects.get()
    assert (made.account_id, made.sends_signals, made.sends_fallback) == (account.pk, False, False)


def test_what_opens_positions_is_asked_afresh(admin: Client) -> None:
    session = admin.session
    session[CONFIRMED_AT] = 0
    session.save()
    answer = admin.post(f"{FEEDS}{a_feed().pk}/change/", {"sends_signals": "on"})
    assert (answer.status_code, ForecastFeed.objects.get().sends_signals) == (302, False)
    assert "reauthenticate" in answer.url


def test_a_model_is_looked_at_and_led_to_its_card(admin: Client) -> None:
    model = a_model()
    for page in (MODELS, f"{MODELS}{model.pk}/change/"):
        text = text_of(admin, page)
        assert f'href="/forecasts/models/{model.pk}/"' in text
        assert "no model at all" not in text
        assert "Not worth using" in text or page == MODELS
    assert admin.get(f"{MODELS}add/").status_code == 403
