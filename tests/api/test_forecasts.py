"""What programs are shown of forecasts."""

from __future__ import annotations

import pytest

from tests.api.conftest import a_caller
from tests.builders import an_instrument
from tests.forecasts.seeded import a_day, a_feed, a_forecast, a_model, a_run, sent

pytestmark = pytest.mark.django_db


def test_forecasts_are_narrowed_and_say_who_spoke() -> None:
    run = a_run(a_feed().account)
    one = sent(a_forecast(run, outcomes={"15m": 0.006}))
    a_forecast(run, an_instrument("ETH"), "short")
    caller = a_caller("viewer")
    (shown,) = caller.get("/forecasts", symbol="BTCUSDT").json()["items"]
    assert (shown["id"], shown["source"], shown["signal_number"]) == (one.pk, "fallback", one.signal_id)
    assert [(h["horizon"], h["came"]) for h in shown["horizons"]] == [
        ("15m", "0.006"), ("1h", None), ("4h", None), ("12h", None),
    ]  # fmt: skip
    (unsent,) = caller.get("/forecasts", is_sent="false").json()["items"]
    assert (unsent["direction"], unsent["reason"]) == ("short", "confidence 0.42 is below 0.50")
    assert caller.get(f"/forecasts/{one.pk}").json() == shown
    assert caller.get("/forecasts/999999").status_code == 404


def test_how_good_they_were_is_told_in_numbers() -> None:
    a_day()
    told = a_caller("viewer").get("/forecasts/how-good").json()
    first = told["records"][0]
    assert (first["horizon"], first["calls"]["count"], first["calls"]["rate"]) == ("15m", 12, "0.5")
    assert sum(one["came_true"]["count"] for one in told["calibration"][0]["bins"]) > 100


def test_models_come_without_their_bytes() -> None:
    model = a_model()
    caller = a_caller("viewer")
    (shown,) = caller.get("/forecast-models").json()["items"]
    assert (shown["id"], shown["is_worth_using"]) == (model.pk, False)
    whole = caller.get(f"/forecast-models/{model.pk}").json()
    assert whole["card"]["classes"] == ["LONG", "SHORT", "NEUTRAL"]
    assert not {"content", "reference"} & whole.keys()
