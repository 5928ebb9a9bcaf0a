"""Negative controls: the product without one of its safeguards. A campaign that finds nothing then proves nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType

from django.db import connection

from positions.models import Fill
from positions.services import by_hand, once, orders, pausing, reports
from tests.campaign import plan
from trailing import services


def no_lookup() -> None:
    """An order whose outcome is unknown counts as not sent, and goes out again."""
    _rewrite(orders, "_apply_error", "case NotSent():", "case NotSent() | OutcomeUnknown():")
    _rewrite(orders, "_apply_error", "error.retry_after", "getattr(error, 'retry_after', 1.0)")


def no_claim() -> None:
    """Whoever wants to send an order sends it. Wake-ups come twice so often here that one short world tells."""
    _rewrite(orders, "_claim", ", status=OrderStatus.INITIALIZED", "")
    _rewrite(plan, "wild", "seconds=random.uniform(45, 75)", "seconds=random.uniform(20, 25), hint_twice=0.5")


def no_trade_id() -> None:
    """The same execution may be booked as often as it is told."""
    _rewrite(reports, "_save_fill", "Fill.objects.get_or_create(", "_created(")
    reports._created = lambda *, defaults, **key: (Fill.objects.create(**key, **defaults), True)  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trades DROP CONSTRAINT fill_once")


def no_form_number() -> None:
    """A form that arrives again is done again."""
    _rewrite(once, "once", "if not is_first:", "if False:")
    by_hand.once = pausing.once = once.once  # type: ignore[attr-defined]


def no_leave_to_loosen() -> None:
    """Any stop by hand is taken, however wide."""
    _rewrite(services, "_taken_back", "not may_loosen or ", "")


def _rewrite(module: ModuleType, function: str, before: str, after: str) -> None:
    """Change the product's own text, so that a control which no longer fits it says so."""
    source = _rewritten.get((module, function)) or inspect.getsource(getattr(module, function))
    if before not in source:
        raise LookupError(f"{module.__name__}.{function} does not say {before!r} any more")
    _rewritten[module, function] = source.replace(before, after)
    exec(_rewritten[module, function], module.__dict__)  # noqa: S102


_rewritten: dict[tuple[ModuleType, str], str] = {}
CONTROLS: Mapping[str, Callable[[], None]] = {
    "no-lookup": no_lookup,
    "no-claim": no_claim,
    "no-trade-id": no_trade_id,
    "no-form-number": no_form_number,
    "no-leave-to-loosen": no_leave_to_loosen,
}
