"""What the program itself forecast, judged and trained, on the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from signals_app.forecast_models import Forecast, StoredCandle
from signals_app.forecasts.services.forecasting import make_forecasts
from signals_app.forecasts.services.judging import judge_forecasts
from signals_app.forecasts.terms import HORIZONS
from tests.builders import a_ticker
from tests.forecasts.ground import QUARTER, a_feed, a_model_row, candles, just_after_close, store
from tests.positions.lists.looking import client_of, text_of
from trailing.volatility import last_close

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer() -> Client:
    return client_of("viewer")


@pytest.mark.parametrize("has_model", [True, False])
def test_made_judged_and_shown(viewer: Client, has_model: bool) -> None:
    now, feed = just_after_close(), a_feed()
    ended_at = last_close(QUARTER, now)
    for symbol in store(feed.account, candles(), ended_at):
        a_ticker(symbol)
    if has_model:
        a_model_row()
    assert make_forecasts(feed, now) is not None
    rows = viewer.get("/forecasts/").context["rows"]
    assert len(rows) == 2
    assert {row["is_fallback"] for row in rows} == {not has_model}
    assert all([one["name"] for one in row["horizons"]] == ["15m", "1h", "4h", "12h"] for row in rows)
    assert ("No model is in use" in text_of(viewer, "/forecasts/")) is not has_model

    said = Forecast.objects.get(pk=rows[0]["id"])
    newer = StoredCandle.objects.filter(instrument=said.instrument).latest("opened_at")
    newer.pk, newer.opened_at = None, ended_at
    newer.save()
    judge_forecasts(now + timedelta(minutes=16))
    (first, second, *_) = viewer.get(f"/forecasts/{said.pk}/").context["row"]["horizons"]
    assert (first["is_over"], second["verdict"]) == (True, "not over yet")
    (record,) = viewer.get("/forecasts/how-good/").context["records"]
    assert (record["horizon"], record["judged"], record["is_fallback"]) == ("15m", "1", not has_model)


@pytest.mark.soak
def test_the_card_of_a_model_that_was_really_trained(viewer: Client) -> None:
    from signals_app.forecasts.services.models import keep_model
    from tests.forecasts.trained import of_noise

    model = keep_model(*of_noise(), "15m", True, just_after_close())
    text = text_of(viewer, f"/forecasts/models/{model.pk}/")
    page = viewer.get(f"/forecasts/models/{model.pk}/").context
    assert "Not worth using" in text
    assert [one["horizon"] for one in page["scores"]] == [
        one for one in HORIZONS if one in model.card["scores"]
    ]
    assert all(one["dots"] for one in page["curves"])
    assert all(one["is_ours"] for one in page["classes"])
    assert len(page["importance"][0][1]) == 30
