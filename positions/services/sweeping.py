"""One row that cannot be dealt with must not keep a sweep from the others, nor an account that does not answer."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from threading import Thread
from typing import TypeVar
from uuid import UUID

from django.db import connections

from exchanges import session
from positions.models import Order
from tradingbot.alone import alone

logger = logging.getLogger(__name__)
Key = TypeVar("Key")
Work = Callable[[], object]
Way = Callable[[str, Mapping[int, Work]], None]

# then the next sweep looks anew what is the most urgent of that account
TURN_SECONDS = 10.0


def for_each(rows: Iterable[Key], act: Callable[[Key], object], complaint: str) -> int:
    """Returns how many there were. `complaint` names the row by %s."""
    found = list(rows)
    for row in found:
        _try(row, act, complaint)
    return len(found)


def _try(row: Key, act: Callable[[Key], object], complaint: str) -> None:
    try:
        act(row)
    except Exception:
        logger.exception(complaint + "; the next sweep tries again", row)


def for_each_account(rows: Iterable[tuple[int, Key]], act: Callable[[Key], object], complaint: str) -> int:
    """Of (account, row). What an account's exchange does not answer holds up the rows of that account alone.
    `complaint` is one sweep's own: an account has one turn of it at a time. Returns how many there were."""
    of_accounts: dict[int, list[Key]] = defaultdict(list)
    for account_id, row in rows:
        of_accounts[account_id].append(row)
    _way(complaint, {one: partial(_a_turn, found, act, complaint) for one, found in of_accounts.items()})
    return sum(map(len, of_accounts.values()))


def _a_turn(rows: list[Key], act: Callable[[Key], object], complaint: str) -> None:
    until = time.monotonic() + TURN_SECONDS
    for row in rows:
        if time.monotonic() > until:
            return
        _try(row, act, complaint)


def _one_after_another(what: str, works: Mapping[int, Work]) -> None:
    for work in works.values():
        work()


def _side_by_side(what: str, works: Mapping[int, Work]) -> None:
    """Nobody waits for these threads: a sweep that did would begin no other account's next turn. A killed one leaves
    what a killed worker leaves."""
    for account_id, work in works.items():
        name = turn_of(account_id, what)
        Thread(target=_alone, args=(name, work), name=name, daemon=True).start()


def turn_of(account_id: int, complaint: str) -> str:
    """The name under which it is alone."""
    return f"{complaint}, account {account_id}"


def _alone(name: str, work: Work) -> None:
    """Not beside the account's last turn, in whichever process that still is."""
    try:
        with alone(name) as is_free:
            if is_free:
                work()
    except Exception:
        logger.exception("%s: broke off; the next sweep tries again", name)
    finally:
        connections.close_all()


_way: Way = _one_after_another


def go_side_by_side() -> None:
    """For a process that works off sweeps. Elsewhere the caller has all done when the call is over."""
    global _way
    _way = _side_by_side


def is_left_to_the_sweep(order_id: UUID | str) -> bool:
    """Whether its account has kept several callers waiting: one more would take a worker's thread from the others."""
    stalled = session.stalled_accounts()
    return bool(stalled) and Order.objects.filter(pk=order_id, account__in=stalled).exists()
