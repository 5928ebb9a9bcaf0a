"""A carrier that did not hear of the commit brings the same entry once more: the ledger has counted it."""

from __future__ import annotations

import pytest

from exchanges.models import ExchangeAccount
from signals_app.models import SignalAttempt, SignalLog
from signals_app.registry import load
from signals_app.services.arrivals import Verdict
from signals_app.services.intake import receive_signal
from tests.signals_app.test_intake import arrival, frame

pytestmark = pytest.mark.django_db


def delivered(raw: str, delivery: str = "1700000000000-0", *, again: bool = False) -> Verdict:
    made = arrival(raw, source="stream", delivery=delivery, is_redelivered=again)
    return receive_signal(made, load())


def counted() -> tuple[int, int]:
    return SignalLog.objects.count(), SignalAttempt.objects.count()


@pytest.mark.parametrize(
    "raw", [frame(), frame(symbol="NOSUCHUSDT"), "no JSON"], ids=["good", "unknown ticker", "unreadable"]
)
def test_an_entry_whose_row_was_written_is_not_written_again(account: ExchangeAccount, raw: str) -> None:
    delivered(raw)
    again = delivered(raw, again=True)
    assert (again.status, counted()) == ("duplicate", (1, 0))


def test_nor_is_its_repeat(account: ExchangeAccount) -> None:
    raw = frame()
    delivered(raw)
    delivered(raw, "1700000000000-1")
    delivered(raw, "1700000000000-1", again=True)
    assert counted() == (1, 1)


def test_what_was_delivered_and_never_written_is_written_now(account: ExchangeAccount) -> None:
    raw = frame()
    assert delivered(raw, again=True).log_id
    assert delivered("no JSON", "1700000000000-1", again=True).log_id
    assert counted() == (2, 0)


def test_a_number_that_another_message_had_before_says_nothing(account: ExchangeAccount) -> None:
    """After a restart without data the carrier may count as it did before."""
    delivered(frame())
    assert delivered(frame("DOWN"), again=True).log_id
    assert counted() == (2, 0)
