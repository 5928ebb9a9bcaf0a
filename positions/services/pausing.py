"""A person's pause of entries and its end, each once for its key. Exits go on in every state."""

from __future__ import annotations

from uuid import UUID

from exchanges.models import TradingState
from exchanges.trading_state import Cause, Move
from positions.act_models import Act
from positions.services import halting, resuming
from positions.services.halting import Answer
from positions.services.once import Asked, Done, once
from positions.services.placing import OrderRefused


def pause(key: UUID, by: str, reason: str, account_id: int | None = None) -> Done:
    """Nothing is opened until a person resumes. What waits to open is called off, again by whoever asks again."""
    asked = Asked(key, Act.PAUSE, by, account_id=account_id, given={"reason": reason})
    done = once(asked, lambda: _pause(account_id, reason, by))
    halting.call_off_entries(account_id)
    return done


def _pause(account_id: int | None, reason: str, by: str) -> Done:
    return Done(_told(halting.change(account_id, TradingState.REDUCING, reason, by, Cause.PERSON)))


def resume(key: UUID, by: str, reason: str = "", account_id: int | None = None) -> Done:
    """The exchange is asked first, outside the transaction; asking twice changes nothing."""
    asked = Asked(key, Act.RESUME, by, account_id=account_id, given={"reason": reason})
    heard = resuming.ask(account_id)
    return once(asked, lambda: _resume(account_id, heard, by, reason))


def _resume(account_id: int | None, heard: list[resuming.Heard], by: str, reason: str) -> Done:
    found = resuming.decide(account_id, heard, by, reason)
    said = " ".join((_told(found.answer), *found.findings))
    if found.is_refused:
        raise OrderRefused(said)
    return Done(said)


def _told(answer: Answer) -> str:
    how = {Move.CHANGE: "is now", Move.KEEP: "was already", Move.REFUSE: "stays"}[answer.move]
    why = "" if answer.move is Move.CHANGE or not answer.reason else f": {answer.reason}"
    return f"{answer.name or 'Every account'} {how} {answer.state}{why}."
