"""Threads for the database work of a program with an event loop. Channels' own way has one thread for a whole process,
where what is urgent stands behind what is not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


class OwnThreads:
    """Each keeps its connection; one that broke meanwhile is not used again."""

    def __init__(self, count: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        fresh = sync_to_async(_run_fresh, thread_sensitive=False, executor=self._threads)
        result: T = await fresh(work, *args, **kwargs)
        return result


def _run_fresh(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    close_old_connections()
    return work(*args, **kwargs)
