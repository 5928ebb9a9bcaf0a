"""Sheets as a page hands them out: each has its number, and is sent once, twice, or when much has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from positions.act_models import Act
from positions.models import Position
from positions.services.once import Done

if TYPE_CHECKING:
    from tests.campaign.world import World

KIND = "form"


@dataclass(slots=True)
class Form:
    """`do` is what the page does with it. `told` is every answer somebody lived to read."""

    act: Act
    by: str
    name: str
    do: Callable[[UUID, str], Done]
    key: UUID = field(default_factory=lambda: UUID(int=0))
    position_id: int | None = None
    looser_stop: Decimal | None = None  # that it allows
    part: Decimal | None = None  # a quantity, or the percent of what is held
    is_percent: bool = False
    most: Decimal = Decimal(0)  # what its part may be at most, by what was held when it was sent
    told: list[Done] = field(default_factory=list)


class Forms:
    """All that were handed out, and what they were answered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sent: dict[UUID, Form] = {}

    def hand_in(self, form: Form, delay: float) -> None:
        random = self._world.random
        form.key = UUID(int=random.getrandbits(128), version=4)
        self._world.later(delay, KIND, partial(self.send, form))
        if random.random() < 0.3:  # a second click, or the page is loaded again
            again = delay + random.choice((0.0, random.uniform(0, 6)))
            self._world.later(again, KIND, partial(self.send, form))

    def send(self, form: Form) -> None:
        self.sent[form.key] = form
        self._world.count("form", form.act.value)
        died = self._world.perform(f"{form.by}: {form.name} [{str(form.key)[:4]}]", partial(self._do, form))
        if died and self._world.random.random() < 0.7:
            delay = self._world.random.uniform(0.2, 8)
            self._world.later(delay, KIND, partial(self.send, form))

    def _do(self, form: Form) -> None:
        self._note_most(form)
        done = form.do(form.key, form.by)
        self._note_most(form)
        form.told.append(done)
        self._world.count("form answered", "refused" if done.is_refused else "done")
        self._world.say(f"  told: {done.sentence}")

    def _note_most(self, form: Form) -> None:
        if form.part is None:
            return
        held = Position.objects.values_list("quantity", flat=True).get(pk=form.position_id)
        asked = held * form.part / 100 if form.is_percent else form.part
        form.most = max(form.most, asked)

    def looser_stops(self, position_id: int) -> set[Decimal]:
        """Which somebody allowed, whether or not he lived to hear of it."""
        asked = (form for form in self.sent.values() if form.position_id == position_id)
        return {form.looser_stop for form in asked if form.looser_stop is not None}
