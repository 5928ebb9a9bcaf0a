"""A signal said once more: through the ordinary intake, on paper only, once for each time it was asked for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from django.utils import timezone

from exchanges.models import ExchangeAccount
from positions.models import Position
from signals_app.models import SignalAttempt, SignalLog, SignalStatus, StrategySignal
from signals_app.services.replaying import NotReplayable, replay
from tests.builders import a_signal_log, a_strategy
from tests.people import a_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(account: ExchangeAccount) -> SignalLog:
    """Of yesterday, with a wish of its own."""
    strategy = a_strategy(account, name="trend", notional=D(500))
    StrategySignal.objects.create(strategy=strategy, phrase="TREND UP", direction="long")
    yesterday = timezone.now() - timedelta(days=1)
    return a_signal_log(
        message="TREND UP",
        bar_time=yesterday,
        sent_at=yesterday,
        received_at=yesterday,
        details={"strength": "77"},
    )


def test_it_opens_what_its_words_open_today(log: SignalLog) -> None:
    verdict = replay(log, timezone.now(), "ada")
    made = SignalLog.objects.get(pk=verdict.log_id)
    assert (verdict.status, made.source, made.symbol) == (SignalStatus.NEW, "replay", "BTCUSDT")
    assert made.details == {"strength": "77"}
    assert made.uid != log.uid
    assert '"replay_of"' in made.raw_message
    assert '"ada"' in made.raw_message
    assert made.entries.get().position == Position.objects.get()


def test_asked_for_twice_on_one_page_it_is_one(log: SignalLog) -> None:
    asked_at = timezone.now()
    assert replay(log, asked_at, "ada").status == SignalStatus.NEW
    assert replay(log, asked_at, "ada").status == SignalStatus.DUPLICATE
    assert (Position.objects.count(), SignalAttempt.objects.count()) == (1, 1)


def test_two_signals_with_the_same_words_are_two(log: SignalLog) -> None:
    other, asked_at = a_signal_log(message="TREND UP", bar_time=log.bar_time), timezone.now()
    assert {replay(one, asked_at, "ada").status for one in (log, other)} == {SignalStatus.NEW}


def test_nothing_is_replayed_with_real_money(log: SignalLog, settings) -> None:
    settings.DRY_RUN = False
    with pytest.raises(NotReplayable, match="paper only"):
        replay(log, timezone.now(), "ada")
    assert SignalLog.objects.count() == 1


def test_what_could_not_be_read_says_nothing_again(account: ExchangeAccount) -> None:
    log = a_signal_log(symbol="", message="", status="ignored", uid=None)
    with pytest.raises(NotReplayable, match="could not be read"):
        replay(log, timezone.now(), "ada")


def ask(client: Client, log: SignalLog, **values: str) -> list[str]:
    asked = {"asked_at": timezone.now().isoformat()} | values
    answer = client.post(f"/signals/{log.pk}/replay/", asked, follow=True)
    return (
        [str(one) for one in answer.context["messages"]]
        if answer.status_code == 200
        else [str(answer.status_code)]
    )


def test_a_trader_replays_by_a_button_that_live_mode_has_not(
    client: Client, log: SignalLog, settings
) -> None:
    client.force_login(a_person("trader"))
    assert "Replay in paper" in client.get("/signals/").content.decode()
    (told,) = ask(client, log)
    assert told.endswith("was said again: new.")
    settings.DRY_RUN = False
    assert "Replay in paper" not in client.get("/signals/").content.decode()
    (told,) = ask(client, log)
    assert "paper only" in told
    assert Position.objects.count() == 1


@pytest.mark.parametrize("asked_at", ["", "yesterday", "2999-01-01T00:00:00+00:00", "2026-01-01T00:00:00"])
def test_a_form_without_its_moment_sends_nothing(client: Client, log: SignalLog, asked_at: str) -> None:
    client.force_login(a_person("trader"))
    (told,) = ask(client, log, asked_at=asked_at)
    assert told.startswith("Nothing was sent")
    assert SignalLog.objects.count() == 1


def test_a_viewer_replays_nothing(client: Client, log: SignalLog) -> None:
    client.force_login(a_person("viewer"))
    assert ask(client, log) == ["403"]
    assert SignalLog.objects.count() == 1
