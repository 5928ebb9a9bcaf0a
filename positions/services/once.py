"""What a person asks for happens once: the form's key is a row, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from positions.act_models import Act
from positions.models import PersonAct
from positions.services.placing import OrderRefused

ANOTHER_FORM = "this form was used for something else already; nothing was done"


@dataclass(frozen=True, slots=True)
class Asked:
    key: UUID
    act: Act
    by: str
    position_id: int | None = None
    account_id: int | None = None
    given: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What a person reads. `is_refused`: nothing was done, and the sentence says why."""

    sentence: str
    order_id: UUID | None = None
    is_refused: bool = False
    flat_run_id: int | None = None


@transaction.atomic
def once(asked: Asked, do: Callable[[], Done]) -> Done:
    """The second of two at the same time waits for the first, and both are told the first one's outcome. `do` asks no
    network."""
    values = {
        "act": asked.act, "by": asked.by[:100], "position_id": asked.position_id,
        "account_id": asked.account_id, "given": asked.given,
    }  # fmt: skip
    row, is_first = PersonAct.objects.get_or_create(pk=asked.key, defaults=values)
    if not is_first:
        return _first_outcome(row, asked)
    done = _try(do)
    row.outcome, row.order_id, row.is_refused = done.sentence, done.order_id, done.is_refused
    row.flat_run_id = done.flat_run_id
    row.save(update_fields=["outcome", "order_id", "is_refused", "flat_run"])
    return done


def _try(do: Callable[[], Done]) -> Done:
    try:
        with transaction.atomic():
            return do()
    except OrderRefused as refusal:
        return Done(f"Nothing was sent: {refusal}.", is_refused=True)


def _first_outcome(row: PersonAct, asked: Asked) -> Done:
    """A number that comes with other values is another wish: to tell it the first one's outcome would be a lie."""
    first = row.act, row.by, row.position_id, row.account_id, row.given
    if first != (asked.act, asked.by[:100], asked.position_id, asked.account_id, asked.given):
        return Done(f"Nothing was sent: {ANOTHER_FORM}.", is_refused=True)
    return Done(row.outcome, row.order_id, row.is_refused, row.flat_run_id)
