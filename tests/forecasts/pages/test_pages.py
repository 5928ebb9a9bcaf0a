"""The pages of forecasts, as people see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from positions.formats import MINUS
from tests.builders import a_position, an_instrument
from tests.forecasts.seeded import a_card, a_day, a_feed, a_forecast, a_model, a_run, sent
from tests.positions.lists.looking import a_trade, client_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer() -> Client:
    return client_of("viewer")


def test_of_nothing_it_says_what_would_begin_it(viewer: Client) -> None:
    text = text_of(viewer, "/forecasts/")
    assert "Nothing is forecast." in text
    assert "No model is in use." in text


def test_the_newest_of_each_contract_with_its_teller(viewer: Client) -> None:
    a_day()
    page = viewer.get("/forecasts/").context
    assert [(row["base"], row["direction"], row["is_fallback"]) for row in page["rows"]] == [
        ("BTC", "long", True), ("ETH", "short", True),
    ]  # fmt: skip
    text = text_of(viewer, "/forecasts/")
    for words in (
        "FALLBACK", "No model is in use. Simple rules answer instead", "not known to foresee anything",
        "Identical answers", "BTCUSDT, ETHUSDT", "no model is in use", "57 of 200 candles are missing", "42.3%",
        "half of the features look like another market",
        "confidence 0.42 is below 0.50", "good",
    ):  # fmt: skip
        assert words in text, words


def test_what_is_not_of_the_last_run_says_so(viewer: Client) -> None:
    feed = a_feed()
    a_forecast(a_run(feed.account, 1), an_instrument("ETH"))
    a_forecast(a_run(feed.account, 0))
    assert "not of the last run" in text_of(viewer, "/forecasts/")


def test_paper_and_real_never_mix(viewer: Client) -> None:
    feed = a_feed()
    other = a_forecast(a_run(feed.account, of_paper=False))
    assert viewer.get("/forecasts/").context["rows"] == []
    assert viewer.get(f"/forecasts/{other.pk}/").status_code == 404
    assert viewer.get(f"/forecasts/models/{a_model(of_paper=False).pk}/").status_code == 404


def test_a_model_in_use_that_is_worth_nothing_says_so(viewer: Client) -> None:
    model = a_model(state="in use")
    a_forecast(a_run(a_feed().account, model=model, drift={"rsi_14": 0.31}, measured={"drift": {}}))
    text = text_of(viewer, "/forecasts/")
    assert f"Model {model.pk} is in use." in " ".join(text.replace("</a>", "").split())
    assert "Not worth using" in text
    assert "another market" in text


def test_a_contract_s_list_is_paged_and_narrowed(viewer: Client) -> None:
    feed, instrument = a_feed(), an_instrument()
    for number in range(53):
        a_forecast(a_run(feed.account, number), instrument, "short" if number == 52 else "long")
    path = f"/forecasts/contracts/{instrument.pk}/"
    first = viewer.get(path)
    assert len(first.context["rows"]) == 50
    assert len(viewer.get(path + first.context["older"]).context["rows"]) == 3
    assert len(viewer.get(path, {"direction": "short"}).context["rows"]) == 1
    assert viewer.get("/forecasts/contracts/999999/").status_code == 404


def test_what_came_of_it_stands_beside_what_was_said(viewer: Client) -> None:
    run = a_run(a_feed().account)
    right = a_forecast(run, outcomes={"15m": 0.006, "1h": -0.002})
    neutral = a_forecast(run, an_instrument("ETH"), "neutral", outcomes={"15m": 0.0002, "1h": 0.02})
    rows = {one["name"]: one for one in viewer.get(f"/forecasts/{right.pk}/").context["row"]["horizons"]}
    assert (rows["15m"]["verdict"], rows["15m"]["came"]) == ("came true", "+0.60%")
    assert (rows["1h"]["verdict"], rows["4h"]["verdict"]) == ("did not", "not over yet")
    rows = {one["name"]: one for one in viewer.get(f"/forecasts/{neutral.pk}/").context["row"]["horizons"]}
    assert (rows["15m"]["verdict"], rows["1h"]["verdict"]) == ("came true", "did not")


def test_a_forecast_leads_to_its_signal_and_position_and_back(viewer: Client) -> None:
    position = a_position()
    one = sent(a_forecast(a_run(a_feed().account)), position=position)
    text = text_of(viewer, f"/forecasts/{one.pk}/")
    assert f"/positions/{position.pk}/" in text
    assert f"sent signal {one.signal_id}" in text
    assert f"/forecasts/{one.pk}/" in text_of(viewer, "/signals/")
    assert f"/forecasts/{one.pk}/" in text_of(viewer, f"/positions/{position.pk}/")


def test_how_good_counts_what_is_over(viewer: Client) -> None:
    a_day()
    page = viewer.get("/forecasts/how-good/").context
    found = {one["horizon"]: one for one in page["records"]}
    assert found["15m"]["calls"]["count"] == "12"  # neutral ones are no call
    assert found["15m"]["judged"] == "24"
    assert found["12h"]["apart"]["count"] == "1"
    assert found["15m"]["verdict"] == "not told from a coin"
    assert "none shares time" in text_of(viewer, "/forecasts/how-good/")
    assert (
        viewer.get("/forecasts/how-good/", {"symbol": "ethusdt"}).context["records"][0]["calls"]["count"]
        == "0"
    )


def test_what_positions_earned_is_told_by_who_gave_the_signal(viewer: Client) -> None:
    run = a_run(a_feed().account, model=a_model(state="in use"))
    sent(a_forecast(run), position=a_trade(10))
    a_trade(-3)
    earned = dict(viewer.get("/forecasts/how-good/").context["earned"])
    assert earned["forecast model"]["result"]["text"] == "+9.60"
    assert list(earned) == ["forecast model", "by hand or found"]


def test_its_tables_are_files(viewer: Client) -> None:
    a_day()
    records = viewer.get("/forecasts/how-good/records.csv").content.decode().splitlines()
    assert records[0].startswith("horizon,source,judged")
    assert records[1].startswith("15m,model,24,12,6,0.5")
    assert len(viewer.get("/forecasts/how-good/calibration.csv").content.decode().splitlines()) > 2
    assert viewer.get("/forecasts/how-good/earned.csv").status_code == 200


def test_a_card_says_what_is_known_and_no_bytes(viewer: Client) -> None:
    model = a_model()
    text = text_of(viewer, f"/forecasts/models/{model.pk}/")
    for words in (
        "Not worth using", "BTCUSDT, ETHUSDT", "LONG: the price rises", model.sha256, "48,000", "0.94%", "always long",
        "feature_30", f"{MINUS}0.031%",
    ):  # fmt: skip
        assert words in text, words
    assert "feature_31" not in text
    assert "no model at all" not in text


def test_a_card_of_another_order_of_classes_says_so(viewer: Client) -> None:
    model = a_model(card=a_card(classes=["SHORT", "LONG", "NEUTRAL"]))
    assert "not the order of this program" in text_of(viewer, f"/forecasts/models/{model.pk}/")


def test_an_empty_card_opens(viewer: Client) -> None:
    assert "says nothing of it" in text_of(viewer, f"/forecasts/models/{a_model(card={}).pk}/")


def test_old_and_many_runs_are_thinned_and_say_so(viewer: Client, monkeypatch) -> None:
    from signals_app.forecast_pages import judged

    monkeypatch.setattr(judged, "MOST", 10)
    a_day()
    page = viewer.get("/forecasts/how-good/").context
    assert page["step"] == 3
    assert page["records"][0]["judged"] == "8"
    soon = (timezone.now() + timedelta(days=3)).date().isoformat()
    assert viewer.get("/forecasts/how-good/", {"since": soon}).context["records"] == []
