"""manage.py forecast: from files to a model in use, as a person types it."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ops.console import Status
from signals_app.forecast_models import ForecastFeed, ForecastModel, ModelState
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.card_text import most_important, score_rows
from signals_app.forecasts.reliability_picture import picture
from signals_app.forecasts.services.models import keep_model
from tests.builders import a_forecast_model, a_ticker, an_account, an_instrument
from tests.forecasts.made_candles import pattern
from tests.forecasts.test_models import NOW, TIMEFRAME
from tests.forecasts.trained import ON_ONE_WORKER, learnable, of_noise

pytestmark = [pytest.mark.django_db, ON_ONE_WORKER]


def forecast(*words: object, **options: Any) -> str:
    out = StringIO()
    call_command("forecast", *map(str, words), stdout=out, **options)
    return out.getvalue()


def write(bars: Bars, folder: Path) -> Path:
    for row, symbol in enumerate(bars.symbols):
        columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        lines = [
            ",".join(map(repr, (int(at), *(float(one[row, place]) for one in columns))))
            for place, at in enumerate(bars.times)
        ]
        (folder / f"{symbol}-15m.csv").write_text(
            "\n".join(["ts_ms,open,high,low,close,volume", *lines]) + "\n"
        )
    return folder


def test_files_become_a_model_with_its_card(tmp_path: Path, settings: Any) -> None:
    settings.DRY_RUN = True
    folder = write(pattern(1000), tmp_path)
    told = forecast(
        "train", "--files", folder, "--horizons", "1h", "--folds", 2, "--effort", "quick", "--json"
    )
    row, answer = ForecastModel.objects.get(), json.loads(told)
    assert (answer["model"], answer["candles"]) == (row.pk, "paper 15m")
    data = answer["card"]["data"]
    assert data["source"] == "files BTCUSDT-15m.csv, ETHUSDT-15m.csv"
    assert (data["candles"], data["missing"]) == (2000, 0)
    assert answer["card"]["took"]["seconds"] > 0
    assert answer["card"]["training"]["folds"] == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--files", "nowhere/*.csv"], "there is no file of candles at nowhere"),
        (["--account", "none"], "There is no account none"),
        (["--files", ".", "--horizons", "2h"], "2h: horizons of 15m are 15m, 1h, 4h, 12h"),
        (["--files", ".", "--timeframe", "1h", "--horizons", "15m"], "horizons of 1h are 1h, 4h, 12h"),
        (["--files", ".", "--folds", "0"], "At least one part"),
        (["--account", "none", "--for", "real"], "--for is for files"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(pattern(10), tmp_path))
    with pytest.raises(CommandError, match=sentence):
        forecast("train", *words)
    assert not ForecastModel.objects.exists()


def test_too_few_candles_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="300 candles are too few"):
        forecast("train", "--files", write(pattern(300), tmp_path))


def test_an_account_without_candles_is_told_what_keeps_them() -> None:
    account = an_account()
    with pytest.raises(CommandError, match=f"no candles of 15m are stored for {account.name}"):
        forecast("train", "--account", account.name)


@pytest.mark.parametrize("library", ["numpy", "sklearn.ensemble"])
def test_without_the_libraries_it_says_what_to_install(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.startswith(("signals_app.forecasts.", "numpy"))]:
        if name.rpartition(".")[2] in {
            "boosting",
            "training",
            "training_data",
            "bars",
            "card",
            "candle_files",
        }:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(CommandError, match="install the extra `ml`"):
        forecast("train", "--files", tmp_path)


def test_what_is_kept_is_told_of_each_contract() -> None:
    assert json.loads(forecast("candles", "--json")) == []
    account = an_account()
    ForecastFeed.objects.create(account=account)
    a_ticker("BTCUSDT")
    an_instrument("BTC")
    (told,) = json.loads(forecast("candles", "--json"))
    assert (told["account"], told["symbol"], told["candles"]) == (account.name, "BTCUSDT", 0)


def test_all_are_listed_newest_first() -> None:
    old, new = a_forecast_model(), a_forecast_model(of_paper=False)
    told = json.loads(forecast("models", "--json"))
    assert [(one["model"], one["candles"]) for one in told] == [(new.pk, "real 15m"), (old.pk, "paper 15m")]


def test_a_card_is_a_page_and_a_picture(tmp_path: Path) -> None:
    trained, bars = of_noise()
    row = keep_model(trained, bars, TIMEFRAME, True, NOW)
    file = tmp_path / "calibration.svg"
    page = forecast("show", row.pk, "--markdown", "--picture", file)
    assert row.verdict in page
    assert "266 columns" in page
    assert f"| 1h | {trained.scores['1h'].answers:,} |" in page
    bins = [one for scores in row.card["scores"].values() for one in scores["reliability"]]
    assert file.read_text().count('<circle class="dot"') == len(bins)
    assert row.verdict in forecast("show", row.pk)


def test_horizons_are_told_from_the_shortest_and_features_from_the_most_important() -> None:
    """PostgreSQL keeps the names of an object by their length."""
    card = ForecastModel.objects.get(pk=_kept().pk).card
    assert [row["horizon"] for row in score_rows(card)] == ["1h", "4h"]
    card |= {"horizons": ["15m", "1h"], "scores": dict.fromkeys(("1h", "15m"), card["scores"]["1h"])}
    assert [row["horizon"] for row in score_rows(card)] == ["15m", "1h"]
    assert picture(card).index("15m:") < picture(card).index("1h:")
    assert most_important({"a": 0.1, "bb": 0.3, "c": 0.2}, 2) == [("bb", 0.3), ("c", 0.2)]


def _kept() -> ForecastModel:
    trained, bars = learnable()
    return keep_model(trained, bars, TIMEFRAME, True, NOW)


def test_one_that_knows_nothing_is_used_for_a_typed_word_alone() -> None:
    trained, bars = of_noise()
    row = keep_model(trained, bars, TIMEFRAME, True, NOW)
    with pytest.raises(CommandError, match="Say --yes WORTHLESS") as refused:
        forecast("use", row.pk)
    assert refused.value.returncode == Status.USAGE
    assert "in use" in forecast("use", row.pk, "--yes", "WORTHLESS")
    assert "retired" in forecast("retire", row.pk)
    with pytest.raises(CommandError, match="is not in use"):
        forecast("retire", row.pk)


def test_a_good_one_needs_no_word() -> None:
    trained, bars = learnable()
    row = keep_model(trained, bars, TIMEFRAME, True, NOW)
    forecast("retire", row.pk)
    forecast("use", row.pk)
    row.refresh_from_db()
    assert row.state == ModelState.IN_USE


def test_bytes_that_are_no_model_are_not_used() -> None:
    row = a_forecast_model(is_worth_using=True)
    with pytest.raises(CommandError, match="Nothing was changed: this is no model"):
        forecast("use", row.pk)
    assert ForecastModel.objects.get().state == ModelState.KEPT


def test_a_number_of_no_model_is_said_so() -> None:
    with pytest.raises(CommandError, match="There is no model 7"):
        forecast("show", 7)
