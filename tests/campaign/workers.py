"""Worker processes, each with a database of its own; a seed is one task."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from random import Random
from typing import Any

from tests.campaign import randomness
from tests.campaign.servers import take_own_database

Told = dict[str, Any]


def tell_all(
    seeds: Iterable[int],
    workers: int,
    *,
    venue: str = "binance",
    mode: str = "hedge",
    control: str = "",
    whole: bool = False,
) -> Generator[Told, None, None]:
    """In the order in which they finish."""
    spawning = get_context("spawn")
    with ProcessPoolExecutor(workers, spawning, _begin, (control,)) as pool:
        left = iter(seeds)
        waiting = _submit(pool, islice(left, workers), venue, mode, whole)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            waiting |= _submit(pool, islice(left, len(done)), venue, mode, whole)
            try:
                yield from [future.result() for future in done]
            except GeneratorExit:  # enough was found
                pool.shutdown(cancel_futures=True)
                raise


def _submit(
    pool: ProcessPoolExecutor, seeds: Iterable[int], venue: str, mode: str, whole: bool
) -> set[Future[Told]]:
    return {pool.submit(_tell, seed, venue, mode, whole) for seed in seeds}


def _begin(control: str) -> None:
    take_own_database()
    randomness.take_over()
    import django
    from celery import current_app
    from django.core.management import call_command

    django.setup()
    current_app.loader.import_default_modules()
    call_command("migrate", verbosity=0)
    if control:
        from tests.campaign.controls import CONTROLS

        CONTROLS[control]()


def _tell(seed: int, venue: str, mode: str, whole: bool) -> Told:
    from tests.campaign.plan import wild
    from tests.campaign.story import tell

    return tell(seed, wild(Random(f"plan of {seed}")), venue, mode, whole=whole).as_dict() | {
        "worker": os.getpid()
    }
