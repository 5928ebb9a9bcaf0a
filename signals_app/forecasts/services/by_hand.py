"""What a person does with a model: put it in use, retire it. Told in its history, beside the sealed trail."""

from __future__ import annotations

from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from signals_app.forecast_models import ForecastModel, ModelState

NOT_INSTALLED = "Models cannot be opened here: install the extra “ml” (pip install '.[ml]') first."


class NotChosen(Exception):
    """The text says why nothing was done."""


def use_model(model_id: int, by: User, now: datetime) -> str:
    """Raises NotChosen. What was done, in a sentence."""
    try:
        from signals_app.forecasts.forest import Unreadable
        from signals_app.forecasts.services.models import put_in_use
    except ImportError as error:
        raise NotChosen(NOT_INSTALLED) from error
    try:
        with transaction.atomic():
            model = _model(model_id)
            if model.state == ModelState.IN_USE:
                return f"Model {model_id} was already in use."
            put_in_use(model, now)
            verdict = "" if model.is_worth_using else " although it is not worth using"
            _tell(model, by, f"Put in use by {by.get_username()}{verdict}.")
    except Unreadable as error:
        raise NotChosen(f"Model {model_id} cannot be asked: {error}.") from error
    return f"Model {model_id} is in use{verdict}: it is asked from the next candle on."


def retire_model(model_id: int, by: User, now: datetime) -> str:
    """Raises NotChosen. What was done, in a sentence."""
    try:
        from signals_app.forecasts.services.models import take_out_of_use
    except ImportError as error:
        raise NotChosen(NOT_INSTALLED) from error
    with transaction.atomic():
        model = _model(model_id)
        if not take_out_of_use(model, now):
            return f"Model {model_id} was not in use."
        _tell(model, by, f"Retired by {by.get_username()}.")
    return f"Model {model_id} is retired: the simple rules answer from the next candle on."


def _model(model_id: int) -> ForecastModel:
    return ForecastModel.objects.defer("content", "reference").get(pk=model_id)


def _tell(model: ForecastModel, by: User, sentence: str) -> None:
    LogEntry.objects.log_actions(by.pk, [model], CHANGE, sentence, single_object=True)
