"""The program of `up --demo`: the first minute, once, and then signals for ever."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from random import Random
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

from ops.demo_hands import DemoHands
from ops.first_minute import FIRST_MINUTE, LASTS, OPENING
from ops.first_start import can_demo_trade
from signals_app.models import SignalLog

READY_SECONDS, AUDIENCE_SECONDS = 60.0, 120.0
STEP_SECONDS = 0.5
SEED = 7


class Command(BaseCommand):
    help = (
        "Tell the first minute of the demo if nothing was told yet, then send made-up signals until stopped."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DRY_RUN is not False and not SignalLog.objects.exists():
            self._tell()
        call_command("send_demo_signals")

    def _tell(self) -> None:
        hands = DemoHands(
            settings.PAPER_EXCHANGE_URL, os.environ["SIGNALS_URL"], os.environ["DEMO_SIGNAL_TOKEN"]
        )
        hands.take_the_market()
        try:
            self._open(hands)
            self._play(hands)
        finally:
            hands.give_the_market_back()

    def _open(self, hands: DemoHands) -> None:
        _wait_for(lambda: can_demo_trade() and hands.are_known(), READY_SECONDS)
        for signal in OPENING:
            hands.do(signal)

    def _play(self, hands: DemoHands) -> None:
        """It begins when somebody has come to see it, or nobody comes."""
        dice = Random(SEED)  # noqa: S311
        _wait_for(_somebody_looks, AUDIENCE_SECONDS, lambda: hands.tremble(dice))
        self.stdout.write("the first minute begins")
        began, beats = time.monotonic(), list(FIRST_MINUTE)
        while (now := time.monotonic() - began) < LASTS:
            while beats and beats[0].at <= now:
                hands.do(beats.pop(0).act)
            hands.tremble(dice)
            time.sleep(STEP_SECONDS)
        self.stdout.write("the first minute is over; from now on signals come as they like")


def _somebody_looks() -> bool:
    return User.objects.filter(last_login__isnull=False).exists()


def _wait_for(
    is_true: Callable[[], bool], seconds: float, meanwhile: Callable[[], None] = lambda: None
) -> None:
    deadline = time.monotonic() + seconds
    while not is_true() and time.monotonic() < deadline:
        meanwhile()
        time.sleep(STEP_SECONDS)
