"""What counts as an answer, and what an account that gives none means for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from exchanges.errors import AccountUnusable, ExchangeError, NotReached, NotSent, OutcomeUnknown, Refused
from exchanges.models import AccountWatch
from positions.breaker import Patience
from positions.models import RiskEvent
from positions.services import reachability
from positions.services.gate import no_entries
from positions.services.opening import Opened, open_position
from positions.sizing import Skip
from tests.builders import an_account
from tests.positions.services.conftest import Desk

SILENCES = [NotReached("The exchange could not be reached."), OutcomeUnknown("RequestTimeout")]
ANSWERS = [
    Refused("no", code="-2010"),
    OutcomeUnknown("duplicate", code="-4116"),
    OutcomeUnknown("being processed", code="110079"),
    OutcomeUnknown("a number nobody knows", code="-9999"),
    AccountUnusable("key", code="-2015"),
]
FAILURES = ["-1000", "-1001", "-1006", "-1007", "10000", "10016", "170007"]
OURS = [NotSent("held up between claim and request"), Refused("this machine's clock is wrong")]


@pytest.fixture(autouse=True)
def _at_once(settings) -> None:
    settings.BREAKER_PATIENCE = Patience(failures=2, blip=timedelta(0), comparisons=2, apart=timedelta(0))


def state(account) -> str:
    return AccountWatch.objects.get(account=account).breaker


def down(account) -> None:
    for silence in SILENCES:
        reachability.hear(account.pk, silence)
    assert state(account) == "open"


def test_silence_opens_the_breaker_and_tells_once(db) -> None:
    account = an_account()
    down(account)
    down(account)
    assert RiskEvent.objects.get().event_type == "account_unreachable"
    assert "unreachable since" in str(no_entries(account.pk))


@pytest.mark.parametrize("code", FAILURES)
def test_a_venue_that_answers_only_that_it_fails_is_away(db, code: str) -> None:
    account = an_account()
    for _ in range(2):
        reachability.hear(account.pk, OutcomeUnknown("Internal error.", code=code))
    assert state(account) == "open"


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda one: one.code)
def test_a_refusal_is_an_answer(db, answer: ExchangeError) -> None:
    account = an_account()
    reachability.hear(account.pk, SILENCES[0])
    reachability.hear(account.pk, answer)
    assert AccountWatch.objects.get(account=account).unreachable_failures == 0
    down(account)
    reachability.hear(account.pk, answer)
    assert state(account) == "recovering"


@pytest.mark.parametrize("ours", OURS, ids=str)
def test_our_own_refusal_to_ask_proves_nothing(db, ours: ExchangeError) -> None:
    account = an_account()
    for _ in range(3):
        reachability.hear(account.pk, ours)
    assert not AccountWatch.objects.exists()
    down(account)
    reachability.hear(account.pk, ours)
    assert state(account) == "open"


def test_all_is_well_writes_nothing(db, django_assert_num_queries) -> None:
    account = an_account()
    with django_assert_num_queries(1):
        reachability.answered(account.pk)


def test_nothing_opens_until_it_was_compared_twice(desk: Desk) -> None:
    assert isinstance(open_position(desk.propose("ETHUSDT")), Opened)
    down(desk.account)
    refused = open_position(desk.propose())
    assert isinstance(refused, Skip)
    assert (refused.code, "unreachable since" in refused.reason) == ("unreachable", True)
    reachability.answered(desk.account.pk)
    for _ in range(2):
        again = open_position(desk.propose())
        assert isinstance(again, Skip)
        assert "recovering" in again.reason
        reachability.compared(desk.account.pk, timezone.now())
    assert isinstance(open_position(desk.propose()), Opened)
    assert RiskEvent.objects.filter(event_type="account_reachable_again").count() == 1


def test_an_entry_that_waits_is_called_off_unsent_and_an_exit_is_tried(desk: Desk) -> None:
    held, waiting = desk.filled(), desk.open("ETHUSDT")
    down(desk.account)
    entry = desk.submit(waiting, "entry")
    assert (entry.status, entry.exchange_order_id) == ("rejected", "")
    assert "unreachable since" in entry.reason
    assert desk.stop(held).status == "accepted"


def test_keys_that_cannot_be_opened_are_not_read_for_it(desk: Desk, settings) -> None:
    account = desk.account
    down(account)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    closed = no_entries(account.pk)
    assert closed is not None
    assert "unreachable" in closed.reason
