"""Nobody looks after a live position of the older bot that waits: its owner is told, brings it in while the bot runs,
or says that it is gone."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from exchanges.models import ExchangeAccount
from ops.legacy import live_rows, watching
from ops.models import LegacyRow
from ops.tasks import take_over_what_waits
from positions import invariants
from positions.models import Position
from tests.legacy.importing import import_now, outcomes
from tests.legacy.test_taking_over import desk, empty, mine, row, taken, trade
from tests.positions.services.conftest import Desk

__all__ = ["desk", "empty", "mine"]
pytestmark = pytest.mark.django_db
SENTENCE = "live positions of an older bot are taken over"


def legacy(*words: str) -> list[str]:
    said = StringIO()
    call_command("legacy", *words, stdout=said)
    return said.getvalue().splitlines()


def refusal(*words: str) -> str:
    with pytest.raises(CommandError) as refused:
        legacy(*words)
    return str(refused.value)


def test_what_is_left_alone_is_told_until_it_is_taken_over(desk: Desk, empty: ExchangeAccount) -> None:
    assert live_rows.check().found == "13 are left alone, such as row 301: it was not imported yet"
    import_now()
    why = f"BTCUSDT long: the paper exchange of account {empty.name} does not show it"
    first = next(iter(watching.checks()))
    assert (first.is_true, first.found) == (False, f"13 are left alone, such as row 301: {why}")
    assert f"nobody looks after row 301 of monitoring.positions: {why}" in list(live_rows.left_alone())
    assert f"row 301: {why}" in list(invariants.SENTENCES[SENTENCE](timezone.now()))
    assert live_rows.REMEDY in refusal("watch")

    trade(desk, "BTCUSDT", "BUY", "0.004")
    import_now()
    assert live_rows.check().found.startswith("12 are left alone, such as row 302: ")


def test_the_running_bot_takes_over_what_its_exchange_begins_to_show(
    desk: Desk, empty: ExchangeAccount
) -> None:
    take_over_what_waits()
    assert not Position.objects.exists()  # nothing was imported yet: that is for `migrate`
    import_now()
    trade(desk, "BTCUSDT", "BUY", "0.004")
    take_over_what_waits()
    assert taken("BTCUSDT").signal_id == "1200301"
    assert outcomes("monitoring.trailing_stop_state") == {"imported": 1, "waiting": 8, "skipped": 29}
    order = LegacyRow.objects.get(table="monitoring.orders", legacy_id="2")
    assert order.outcome == "skipped"


def test_its_owner_says_what_is_gone(mine: ExchangeAccount) -> None:
    import_now()
    waiting = [key for key in map(str, range(301, 314)) if row(int(key)).outcome == "waiting"]
    assert refusal("gone", "301").startswith(
        "legacy gone: no live row of monitoring.positions waits under 301"
    )
    assert legacy("gone", *waiting)[-1].endswith("Next: `manage.py legacy verify`.")
    assert row(306).outcome == "skipped"
    assert row(306).reason.startswith("its owner said that it is gone. ADAUSDT long: ")
    assert live_rows.check().is_true
    assert list(invariants.SENTENCES[SENTENCE](timezone.now())) == []


def test_what_the_exchange_shows_is_not_gone(desk: Desk, empty: ExchangeAccount) -> None:
    import_now()
    trade(desk, "BTCUSDT", "BUY", "0.004")
    assert refusal("gone", "301", "302").startswith("legacy gone: the exchange shows 301: ")
    assert row(302).outcome == "waiting"
