"""How wild a world is. All chances are of one act, call, message or hint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random


@dataclass(frozen=True, slots=True)
class Plan:
    seconds: float = 90.0
    fault: float = 0.0
    kill: float = 0.0
    interleave: float = 0.0
    hint_lost: float = 0.0
    hint_late: float = 0.0
    hint_twice: float = 0.0
    message_late: float = 0.0
    message_twice: float = 0.0
    message_lost: float = 0.0
    stream_cut: float = 0.0
    sweep_skipped: float = 0.0


CALM = Plan()
_WILD = Plan(
    fault=0.2,
    kill=0.1,
    interleave=0.08,
    hint_lost=0.06,
    hint_late=0.1,
    hint_twice=0.08,
    message_late=0.1,
    message_twice=0.08,
    message_lost=0.05,
    stream_cut=0.01,
    sweep_skipped=0.05,
)
# a call of which there are few is hit more often
FAULT_WEIGHT = {"entry": 2.0, "close": 3.0, "protect": 1.5, "cancel": 2.5}


def wild(random: Random) -> Plan:
    """Some worlds have one trouble more than others."""
    mood = random.choice((0.5, 1.0, 1.0, 1.5))
    return replace(
        _WILD,
        fault=_WILD.fault * mood,
        kill=_WILD.kill * random.choice((0.5, 1.0, 2.0)),
        seconds=random.uniform(45, 75),
    )
