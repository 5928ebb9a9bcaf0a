"""Whatever the world sends: an answer and a row with the reason, and the next good signal is taken."""

from __future__ import annotations

from collections import Counter

import pytest

from signals_app.models import SignalAttempt, SignalLog, SignalLogEntry
from signals_app.registry import load
from signals_app.services.intake import receive_batch, receive_signal
from tests.signals_app.foreign_payloads import PAYLOADS, Payload, the_world
from tests.signals_app.test_intake import arrival, frame

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.name)
def test_a_payload_is_answered_and_kept_with_its_reason(payload: Payload) -> None:
    the_world()
    verdict = receive_signal(arrival(payload.raw), load())
    row = SignalLog.objects.get()
    assert (verdict.status, verdict.reason_code) == (payload.status, payload.code), verdict.reason
    assert (row.pk, row.status, row.reason_code) == (verdict.log_id, payload.status, payload.code)
    assert row.reason == verdict.reason != ""
    assert row.uid == verdict.uid
    assert row.dispatched_at is not None
    assert not SignalLogEntry.objects.exists()


def test_text_and_bytes_are_told_the_same() -> None:
    the_world()
    tables = load()
    for payload in PAYLOADS:
        if payload.is_text:
            verdict = receive_signal(arrival(payload.raw.decode()), tables)
            assert verdict.reason_code == payload.code, payload.name


def test_all_of_them_in_one_batch_are_a_row_each_and_the_good_one_among_them_too() -> None:
    the_world()
    good = frame("nobody knows it")
    verdicts = receive_batch([arrival(one) for one in [*(p.raw for p in PAYLOADS), good]], load())
    assert Counter(one.reason_code for one in verdicts[:-1]) == Counter(p.code for p in PAYLOADS)
    assert verdicts[-1].reason_code == "no_strategy"
    assert SignalLog.objects.count() == len(verdicts) == len({one.log_id for one in verdicts})
    assert not SignalAttempt.objects.exists()


def test_there_are_enough_of_them() -> None:
    assert len(PAYLOADS) >= 60
    assert (
        len({payload.name for payload in PAYLOADS})
        == len({payload.raw for payload in PAYLOADS})
        == len(PAYLOADS)
    )
