"""Models that are kept, as they are asked for. Reads only; needs numpy for no more than opening one."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from exchanges.types import Timeframe
from signals_app.forecast_models import ForecastModel, ModelState

if TYPE_CHECKING:
    from signals_app.forecasts.model import Model


def model_in_use(timeframe: str, of_paper: bool) -> ForecastModel | None:
    """Its bytes are read when they are asked for."""
    wanted = ForecastModel.objects.filter(timeframe=timeframe, of_paper=of_paper, state=ModelState.IN_USE)
    return wanted.defer("content", "reference").first()


def opened_model(row: ForecastModel) -> Model:
    """Raises Unreadable, OtherOrder."""
    from signals_app.forecasts.forest import Unreadable
    from signals_app.forecasts.model import opened

    content = bytes(row.content)
    if hash_of(content) != row.sha256:
        raise Unreadable("this is no model: its bytes are not those that were kept")
    return opened(content, features_version(row.timeframe))


def hash_of(content: bytes) -> str:
    return sha256(content).hexdigest()


@cache
def features_version(timeframe: str) -> str:
    """Of the features as they are reckoned now."""
    import numpy as np

    from signals_app.forecasts.bars import Bars
    from signals_app.forecasts.features.table import HISTORY, version

    step = int(Timeframe(timeframe).length.total_seconds() * 1000)
    ones = np.ones((1, HISTORY))
    return version(Bars(("ANY",), step * np.arange(HISTORY, dtype=np.int64), ones, ones, ones, ones, ones))
