"""Which model is asked: kept, put in use, replaced, taken out of use."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from signals_app.forecast_models import ForecastModel, ModelState
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.candidates import Candidate, candidate
from signals_app.forecasts.card import Circumstances
from signals_app.forecasts.drift import reference_of
from signals_app.forecasts.features.table import version
from signals_app.forecasts.forest import Unreadable
from signals_app.forecasts.known_models import features_version, hash_of, model_in_use, opened_model
from signals_app.forecasts.model import OtherOrder
from signals_app.forecasts.services.models import keep_candidate, keep_model, put_in_use, take_out_of_use
from signals_app.forecasts.training import Trained
from tests.forecasts.made_candles import noise
from tests.forecasts.trained import ON_ONE_WORKER, learnable, of_noise

pytestmark = ON_ONE_WORKER

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TIMEFRAME = "15m"


def keep(
    made: Callable[[], tuple[Trained, Bars]], of_paper: bool = True, now: datetime = NOW
) -> ForecastModel:
    trained, bars = made()
    return keep_model(trained, bars, TIMEFRAME, of_paper, now)


def in_use() -> int | None:
    found = model_in_use(TIMEFRAME, True)
    return found.pk if found else None


def test_the_version_of_features_needs_no_candles() -> None:
    assert features_version(TIMEFRAME) == version(noise(200))


@pytest.mark.django_db
def test_one_that_learned_is_put_in_use_and_answers_from_its_row() -> None:
    trained, bars = learnable()
    row = keep(learnable)
    assert (row.state, in_use(), row.is_worth_using) == (ModelState.IN_USE, row.pk, True)
    rows = trained.seen.features[-50:].astype(np.float64)
    stored = opened_model(ForecastModel.objects.get(pk=row.pk))
    for horizon, answer in stored.answers(rows).items():
        assert np.array_equal(answer.probabilities, trained.model.answers(rows)[horizon].probabilities)
    assert row.trained_until == datetime.fromtimestamp((bars.times[-1] + bars.step_ms) / 1000, UTC)
    assert np.array_equal(reference_of(bytes(row.reference)).edges.shape, (len(trained.names), 9))


@pytest.mark.django_db
def test_its_card_is_json_that_says_what_it_was_trained_with() -> None:
    trained, bars = learnable()
    keep(learnable)
    card = ForecastModel.objects.get().card
    assert json.loads(json.dumps(card, allow_nan=False)) == card
    assert card["data"]["contracts"] == list(bars.symbols)
    assert card["classes"] == ["LONG", "SHORT", "NEUTRAL"]
    assert card["features"] == {"version": trained.model.version, "count": len(trained.names)}
    assert set(card["scores"]) == {"1h", "4h"}
    assert (
        sum(one["count"] for one in card["scores"]["1h"]["reliability"])
        == 3 * card["scores"]["1h"]["answers"]
    )


@pytest.mark.django_db
def test_one_that_knows_nothing_is_kept_and_says_so() -> None:
    row = keep(of_noise)
    assert (row.state, row.is_worth_using, in_use()) == (ModelState.KEPT, False, None)
    assert row.verdict.startswith("Not worth using")


@pytest.mark.django_db
def test_the_old_one_stays_until_there_are_candles_new_to_both() -> None:
    old, new = keep(learnable), keep(learnable)
    assert (in_use(), new.state) == (old.pk, ModelState.KEPT)
    assert "only 0 candles are new to both" in new.verdict


@pytest.mark.django_db
def test_the_better_one_takes_the_place_of_the_old_one() -> None:
    old = keep(of_noise)
    put_in_use(old, NOW)
    _seen_only_the_first(old, 800)
    later = NOW + timedelta(days=1)
    new = keep(learnable, now=later)
    old.refresh_from_db()
    assert (in_use(), old.state, old.retired_at) == (new.pk, ModelState.RETIRED, later)
    assert "It takes the place of" in new.verdict


@pytest.mark.django_db
def test_one_that_is_no_better_does_not() -> None:
    old = keep(learnable)
    _seen_only_the_first(old, 800)
    new = keep(learnable)
    assert (in_use(), new.state) == (old.pk, ModelState.KEPT)
    assert "It does not take the place of" in new.verdict
    assert "higher" in new.verdict


def _seen_only_the_first(row: ForecastModel, candles: int) -> None:
    _, bars = learnable()
    row.trained_until = datetime.fromtimestamp(bars.times[candles] / 1000, UTC)
    row.save(update_fields=["trained_until"])


@pytest.mark.django_db
@pytest.mark.parametrize("harm", ["bytes", "features"])
def test_one_that_cannot_be_asked_is_replaced(harm: str) -> None:
    old = keep(learnable)
    _harm(old, harm)
    new = keep(learnable)
    assert in_use() == new.pk
    assert f"Model {old.pk}, in use until then, cannot be asked" in new.verdict


@pytest.mark.django_db
@pytest.mark.parametrize(("harm", "error"), [("bytes", Unreadable), ("features", OtherOrder)])
def test_one_that_cannot_be_asked_is_not_put_in_use(harm: str, error: type[Exception]) -> None:
    row = keep(of_noise)
    _harm(row, harm)
    with pytest.raises(error):
        put_in_use(row, NOW)
    assert in_use() is None


def _harm(row: ForecastModel, harm: str) -> None:
    if harm == "bytes":
        row.content = bytes(row.content)[:-10]
    else:
        trained, _ = learnable()
        row.content = replace(trained.model, version="0" * 16).to_bytes()
        row.sha256 = hash_of(bytes(row.content))
    row.save(update_fields=["content", "sha256"])


@pytest.mark.django_db
def test_an_owner_may_use_one_that_knows_nothing_and_take_it_out_again() -> None:
    row = keep(of_noise)
    put_in_use(row, NOW)
    assert in_use() == row.pk
    assert take_out_of_use(row, NOW) is True
    assert take_out_of_use(row, NOW) is False
    assert (in_use(), row.state, row.retired_at) == (None, ModelState.RETIRED, NOW)
    put_in_use(row, NOW)
    assert (row.state, row.retired_at) == (ModelState.IN_USE, None)


@pytest.mark.django_db
def test_models_of_paper_and_of_real_candles_do_not_replace_each_other() -> None:
    paper, real = keep(learnable), keep(learnable, of_paper=False)
    assert (paper.state, real.state) == (ModelState.IN_USE, ModelState.IN_USE)
    assert model_in_use(TIMEFRAME, False) == real


@pytest.mark.django_db(transaction=True)
def test_of_two_that_are_trained_at_the_same_time_the_first_stays() -> None:
    """Both were compared when there was none in use."""
    trained, bars = learnable()
    made = [candidate(trained, bars, TIMEFRAME, True, NOW, Circumstances()) for _ in range(2)]
    with ThreadPoolExecutor() as threads:
        rows = list(threads.map(_keep_in_a_session_of_its_own, made))
    assert sorted(row.state for row in rows) == [ModelState.IN_USE, ModelState.KEPT]
    (late,) = [row for row in rows if row.state == ModelState.KEPT]
    assert late.verdict.endswith("Another was put in use meanwhile, and stays.")


def _keep_in_a_session_of_its_own(made: Candidate) -> ForecastModel:
    with closing(connection):
        return keep_candidate(made, NOW)


@pytest.mark.django_db
def test_the_database_allows_one_in_use() -> None:
    row = keep(learnable)
    row.pk, row._state.adding = None, True
    with pytest.raises(IntegrityError, match="one_model_in_use"), transaction.atomic():
        row.save()
