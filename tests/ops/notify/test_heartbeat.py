"""The outside watcher is called only while all is known to be well, and /health says when it is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pydantic import SecretStr

from ops.health import notices
from ops.health.facts import facts
from ops.models import Heartbeat
from ops.notify import heartbeat
from positions.models import InvariantCheck
from tests.ops.health.conftest import nothing_remembered  # noqa: F401
from tests.ops.notify.receiver import TOKEN, Receiver
from tradingbot import pulse

pytestmark = pytest.mark.django_db


@pytest.fixture
def watched(settings, receiver: Receiver) -> Receiver:
    settings.HEARTBEAT_URL = SecretStr(f"http://{receiver.place}")
    return receiver


def well() -> None:
    pulse.tell("beat")
    pulse.tell("positions.tasks.submit_due")
    InvariantCheck.objects.create(name="one", is_true=True, checked_at=timezone.now())


def beat() -> str:
    facts.forget()
    heartbeat.beat(timezone.now())
    facts.forget()
    line = list(notices.lines_of(facts.get()))[1]
    return f"{line.state} {line.figure} {line.words}"


def test_it_calls_while_all_is_well(watched: Receiver) -> None:
    well()
    assert beat().startswith("good 0.")
    assert watched.calls == 1


def test_it_is_silent_as_soon_as_something_is_not_known_to_be_true(watched: Receiver) -> None:
    assert "no sign of life: Beat" in beat()
    well()
    check = InvariantCheck.objects.get()
    for is_true, checked_at in (
        (False, timezone.now()),
        (None, timezone.now()),
        (True, timezone.now() - timedelta(hours=1)),
    ):
        check.is_true, check.checked_at = is_true, checked_at
        check.save()
        assert beat().startswith("bad silent on purpose for")
    assert (watched.calls, Heartbeat.objects.get().reason) == (0, "not true, or not known: one")
    InvariantCheck.objects.all().delete()
    assert "nobody has asked yet" in beat()


def test_a_watcher_that_does_not_answer_is_shown(watched: Receiver, settings, caplog) -> None:
    well()
    watched.status = 404
    assert beat() == "unknown — it answered 404"
    settings.HEARTBEAT_URL = SecretStr(f"http://127.0.0.1:1/{TOKEN}")
    told = beat()
    assert "it could not be reached" in told
    assert TOKEN not in told + caplog.text + Heartbeat.objects.get().reason


def test_without_an_address_it_says_so_and_calls_nobody(db) -> None:
    assert "HEARTBEAT_URL is not set" in beat()
    assert not Heartbeat.objects.exists()


def test_without_redis_it_is_silent(watched: Receiver, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "Redis does not answer" in beat()
    assert watched.calls == 0
