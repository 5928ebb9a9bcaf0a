"""One row that cannot be dealt with must not keep a sweep from the others, nor an account that does not answer."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from threading import Thread
from typing import Any, TypeVar
from uuid import UUID

from django.db import connections
from django.db.models import Q, Window
from django.db.models.functions import RowNumber

from exchanges import session
from positions.models import Order
from tradingbot.alone import alone

logger = logging.getLogger(__name__)
Key = TypeVar("Key")
Work = Callable[[], object]
Way = Callable[[str, Mapping[int, Work]], None]

# then the next sweep looks anew what there is of that account
TURN_SECONDS = 10.0
AT_ONCE = 200


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


def for_each_order(wanted: Q, age: str, act: Callable[[UUID], object], complaint: str) -> int:
    """Each account's oldest first: those of one that does not answer must not push out all others."""
    turn = Window(RowNumber(), partition_by="account_id", order_by=age)
    found = Order.objects.filter(wanted).order_by(turn, age).values_list("account_id", "pk")[:AT_ONCE]
    return for_each_account(found, act, complaint)


def for_each_account(rows: Iterable[tuple[int, Key]], act: Callable[[Key], object], complaint: str) -> int:
    """Of (account, row). What an account's exchange does not answer holds up the rows of that account alone.
    `complaint` is one sweep's own: an account has one turn of it at a time. Returns how many there were."""
    of_accounts: dict[int, list[Key]] = defaultdict(list)
    for account_id, row in rows:
        of_accounts[account_id].append(row)
    works = {one: partial(_a_turn, (complaint, one), found, act) for one, found in of_accounts.items()}
    _way(complaint, works)
    return sum(map(len, of_accounts.values()))


# by sweep and account: what this process has tried since the account's rows were last gone through
_tried: dict[tuple[str, int], set[Any]] = {}


def _a_turn(place: tuple[str, int], rows: list[Key], act: Callable[[Key], object]) -> None:
    """Begins with what the last turns did not come to: a row that hangs is found again at the head of every sweep."""
    until = time.monotonic() + TURN_SECONDS
    tried = _tried.pop(place, set()) & set(rows)
    for row in sorted(rows, key=tried.__contains__):
        if time.monotonic() > until:
            _tried[place] = tried
            return
        if row in tried:
            tried = set()
        tried.add(row)
        _try(row, act, place[0])


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
