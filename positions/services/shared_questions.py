"""Several who want to know the same at the same moment: one of them asks, and all have its answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any


class SharedQuestions:
    """For what may also be known from a moment ago: an answer can belong to a question that began before yours."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[Hashable, Future[Any]] = {}

    def ask(self, key: Hashable, question: Callable[[], Any]) -> Any:
        """Returns or raises what the question did, whoever put it."""
        with self._lock:
            answer = self._open.get(key)
            if answer is None:
                mine = self._open[key] = Future()
        return answer.result() if answer else self._put(key, question, mine)

    def _put(self, key: Hashable, question: Callable[[], Any], answer: Future[Any]) -> Any:
        try:
            answer.set_result(question())
        except BaseException as failure:
            answer.set_exception(failure)
        with self._lock:
            del self._open[key]
        return answer.result()
