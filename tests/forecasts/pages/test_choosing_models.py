"""Putting a model in use and taking it out of it, on pages."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from signals_app.forecast_models import ForecastModel
from tests.forecasts.seeded import a_model
from tests.positions.lists.looking import client_of, text_of
from tradingbot.freshness import CONFIRMED_AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    return client_of("admin")


def made_stale(client: Client) -> None:
    session = client.session
    session[CONFIRMED_AT] = 0
    session.save()


def state_of(model: ForecastModel) -> str:
    return ForecastModel.objects.values_list("state", flat=True).get(pk=model.pk)


def test_one_that_is_not_worth_using_asks_for_its_word(admin: Client) -> None:
    model = a_model()
    page = f"/forecasts/models/{model.pk}/use/"
    assert f"Type <b>USE {model.pk}</b>" in text_of(admin, page)
    answer = admin.post(page, {"word": "USE"})
    assert (answer.status_code, state_of(model)) == (422, "kept")


def test_one_that_cannot_be_opened_is_refused_in_words(admin: Client) -> None:
    pytest.importorskip("numpy")
    model = a_model()
    answer = admin.post(f"/forecasts/models/{model.pk}/use/", {"word": f"USE {model.pk}"})
    assert answer.status_code == 422
    assert f"Model {model.pk} cannot be asked" in answer.content.decode()
    assert (state_of(model), LogEntry.objects.count()) == ("kept", 0)


def test_one_that_can_be_opened_is_put_in_use_in_the_place_of_another(admin: Client) -> None:
    pytest.importorskip("numpy")
    from tests.forecasts.ground import a_model_row

    before, model = a_model(state="in use"), a_model_row(state="kept", is_worth_using=False)
    answer = admin.post(f"/forecasts/models/{model.pk}/use/", {"word": f"USE {model.pk}"}, follow=True)
    assert "is in use although it is not worth using" in answer.content.decode()
    assert (state_of(before), state_of(model)) == ("retired", "in use")
    assert LogEntry.objects.get().change_message == "Put in use by admin although it is not worth using."
    assert (
        "was already in use"
        in admin.post(
            f"/forecasts/models/{model.pk}/use/", {"word": f"USE {model.pk}"}, follow=True
        ).content.decode()
    )


def test_it_is_asked_who_one_is(admin: Client) -> None:
    model = a_model(is_worth_using=True)
    made_stale(admin)
    answer = admin.post(f"/forecasts/models/{model.pk}/use/")
    assert (answer.status_code, state_of(model)) == (302, "kept")
    assert "reauthenticate" in answer.url


def test_retired_by_a_person_whose_name_is_kept(admin: Client) -> None:
    model = a_model(state="in use")
    page = f"/forecasts/models/{model.pk}/retire/"
    assert "the simple rules answer" in text_of(admin, page)
    answer = admin.post(page, follow=True)
    assert "is retired" in answer.content.decode()
    assert state_of(model) == "retired"
    assert LogEntry.objects.get().change_message == "Retired by admin."
    assert "was not in use" in admin.post(page, follow=True).content.decode()


@pytest.mark.parametrize("group", ["viewer", "trader"])
def test_who_may_not_change_settings_sees_no_button(group: str) -> None:
    client, model = client_of(group), a_model()
    assert "Put in use" not in text_of(client, f"/forecasts/models/{model.pk}/")
    assert client.post(f"/forecasts/models/{model.pk}/use/").status_code == 403
