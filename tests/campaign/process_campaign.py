"""One stack for all seeds; each begins with empty tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings

from exchanges import session
from tests.campaign.process_story import Story, tell
from tests.emptying import empty_tables
from tests.integration.stack import Stack


def campaign(folder: Path, seeds: Iterable[int], venue: str) -> Iterator[Story]:
    stack = Stack(folder)
    settings.PAPER_EXCHANGE_URL = stack.paper.url
    with stack.running():
        for seed in seeds:
            stack.beat.start()  # it writes its table anew
            try:
                yield _told(stack, seed, venue)
            finally:
                stack.beat.stop()
                session.close_all()
                empty_tables()


def _told(stack: Stack, seed: int, venue: str) -> Story:
    try:
        return tell(stack, seed, venue)
    except AssertionError as error:
        return Story(seed, violations=[str(error)])
