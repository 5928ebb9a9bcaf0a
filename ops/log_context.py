"""What a line of the log is about: bound where it is known, in a context variable, so that it follows a request or a
task. structlog has the same, and would cost each process a third of a second and 19 MB at its start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_about: ContextVar[Mapping[str, object]] = ContextVar("log_context", default={})  # noqa: B039  (never changed in place)


@contextmanager
def bound(**about: object) -> Iterator[None]:
    token = _about.set({**_about.get(), **about})
    try:
        yield
    finally:
        _about.reset(token)


def about() -> dict[str, object]:
    """What can be called is asked now: who is signed in is known later than that somebody asks."""
    found = {name: value() if callable(value) else value for name, value in _about.get().items()}
    return {name: value for name, value in found.items() if value not in (None, "")}
