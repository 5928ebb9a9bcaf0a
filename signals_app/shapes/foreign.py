"""Bodies made for other programs: every field of theirs is known, or said to be not followed. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from signals_app.reasons import ReasonCode
from signals_app.shapes.fields import Fields, is_given, required_text
from signals_app.shapes.signal import Refused

CARRIED = frozenset({"token", "secret", "id", "signal_id"})  # who sends, and which one it is
PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")


def refuse_placeholders(fields: Fields) -> None:
    """An alert that was not sent by a chart, or names something the chart does not know, keeps its braces."""
    for name, value in fields.items():
        found = PLACEHOLDER.search(value) if isinstance(value, str) else None
        if found:
            text = f"{name} holds {found[0][:40]}: the sender left this placeholder unfilled"
            raise Refused(text, ReasonCode.UNFILLED_PLACEHOLDER)


def refuse_unknown(fields: Fields, known: Collection[str], title: str) -> None:
    """A wish that is not followed must not look as if it were."""
    wishes = sorted(name for name in fields if name not in known and name not in CARRIED)
    if wishes:
        names = ", ".join(name[:40] for name in wishes[:5])
        text = (
            f"{names} in {title}: not followed here, size, price and exits are the strategy's; leave it out"
        )
        raise Refused(text, ReasonCode.NOT_FOLLOWED)


def symbol_on(fields: Fields, exchange: str, name: str) -> str:
    """As one text, so that a contract of another exchange is refused and not taken for its namesake."""
    instrument = required_text(fields, name).strip()
    return (
        f"{required_text(fields, exchange).strip()}:{instrument}"
        if is_given(fields, exchange)
        else instrument
    )
