"""Puts a question to a trained model: opened once in each process, and given so many seconds to answer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from signals_app.forecast_models import ForecastModel
from signals_app.forecasts.bars import Floats
from signals_app.forecasts.known_models import opened_model
from signals_app.forecasts.model import Answer, Model, OtherOrder

Kept = TypeVar("Kept")
MODELS_KEPT = 4


class NotAsked(Exception):
    """Why the simple rules have to answer, as a sentence."""


class Recent(Generic[Kept]):
    """So many of what was asked for last. Threads of one worker share it."""

    def __init__(self, most: int) -> None:
        self._most, self._kept = most, OrderedDict[str, Kept]()
        self._lock = threading.Lock()

    def get(self, key: str) -> Kept | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, value: Kept) -> None:
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


models: Recent[Model] = Recent(MODELS_KEPT)


def model_of(row: ForecastModel) -> Model:
    """By the hash its row names: other bytes are another model. Raises NotAsked."""
    if (known := models.get(row.sha256)) is not None:
        return known
    try:
        found = opened_model(row)
    except ForecastModel.DoesNotExist:
        raise NotAsked(f"model {row.pk} was deleted") from None
    except OtherOrder as error:
        raise NotAsked(f"model {row.pk} means something else: {error}") from error
    except Exception as error:  # broken bytes break a reader in many ways
        raise NotAsked(f"model {row.pk} cannot be opened: {error}") from error
    models.put(row.sha256, found)
    return found


class Deadline:
    """One question at a time. An answer that is too late is heard by nobody, and who asked for it is not kept from
    ending by it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._late: tuple[str, int] | None = None
        self._at_work = threading.Thread()

    def ask(self, model: Model, rows: Floats, seconds: float, about: tuple[str, int]) -> dict[str, Answer]:
        """about: whose answer for which candle; one that was too slow for it is not asked for it again. Raises
        NotAsked."""
        with self._lock:
            if self._late == about:
                raise NotAsked("the model was too slow for this candle before")
            if self._at_work.is_alive():
                raise NotAsked("the model is still at a question from before")
            future: Future[dict[str, Answer]] = Future()
            self._at_work = threading.Thread(
                target=_answered, args=(future, lambda: model.answers(rows)), name="forecast", daemon=True
            )
            self._at_work.start()
        return self._heard(future, seconds, about)

    def _heard(
        self, future: Future[dict[str, Answer]], seconds: float, about: tuple[str, int]
    ) -> dict[str, Answer]:
        try:
            return future.result(seconds)
        except TimeoutError:
            self._late = about
            raise NotAsked(f"the model did not answer within {seconds:g} s") from None
        except Exception as error:
            raise NotAsked(f"the model broke when it was asked ({type(error).__name__})") from error


def _answered(future: Future[dict[str, Answer]], question: Callable[[], dict[str, Answer]]) -> None:
    try:
        future.set_result(question())
    except BaseException as error:
        future.set_exception(error)


deadline = Deadline()
