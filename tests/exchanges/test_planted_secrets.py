"""A key and a secret that are really used, on an account to which everything happens: nothing that is written, shown or
raised holds them."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import redis
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exchanges import registry, session
from exchanges.client import ExchangeClient
from exchanges.credentials import Credentials
from exchanges.errors import NotSent
from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.paper.signing import paper_secret
from exchanges.types import PriceKind
from ops.trail.queries import story_of
from positions.models import Position, RiskEvent
from positions.services import funding, lookups, orders, reconciliation
from positions.services.balances import get_total_balance
from positions.services.closing import request_close
from positions.services.instruments import refresh_instruments
from tests.builders import a_ticker, an_account
from tests.exchanges.floor import NOBODY
from tests.exchanges.wired import WiredVenue
from tests.ops.waiting import until
from tests.secrets.planting import Planted, all_of_redis, rows_of_all_tables
from tests.signals_app.test_intake import a_trader, frame, receive
from trailing import listening
from trailing.services import protect

KEY = "paper-7-planted-key-that-nobody-may-see"
OTHER_SECRET = "another-planted-secret-that-nobody-may-see"
FAULTS = (
    {"kind": "close_before"}, {"kind": "close_after"}, {"kind": "html"}, {"kind": "half_body"}, {"kind": "empty"},
    {"kind": "clock_skew"}, {"kind": "too_many"}, {"kind": "answer", "status": 500, "body": "{}"},
)  # fmt: skip


@dataclass
class Vault:
    """The account whose stored keys the clients use, though its exchange is on paper."""

    account: ExchangeAccount
    wired: WiredVenue
    url: str = ""
    raised: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> tuple[str, ...]:
        return KEY, paper_secret(KEY), OTHER_SECRET

    def credentials(self, account: ExchangeAccount) -> Credentials:
        return Credentials(account.venue, account.api_key, account.api_secret, self.url)

    def try_everything(self) -> None:
        self.account.refresh_from_db()
        symbol, ask = "BTC/USDT:USDT", self.ask
        ask(lambda: session.call(self.account, lambda client: client.price(symbol, PriceKind.MARK)))
        ask(lambda: session.call(self.account, _balance))
        ask(lambda: session.call(self.account, lambda client: client.ensure_leverage(symbol, 3)))
        for position in Position.objects.filter(is_live=True):
            ask(lambda position=position: protect(position.pk))  # type: ignore[misc]
        ask(lambda: receive(frame(bar_time=timezone.now().timestamp())))
        ask(lambda: orders.submit_due(timezone.now() + orders.HINT_GRACE))
        ask(lambda: lookups.resolve_unknown(timezone.now() + lookups.CANCEL_AGAIN_AFTER))
        ask(lambda: reconciliation.reconcile_account(self.account.pk))
        ask(lambda: funding.collect(self.account))
        ask(get_total_balance)
        ask(refresh_instruments)

    def ask(self, question: Callable[[], object]) -> None:
        try:
            question()
        except Exception as error:
            self.raised += [repr(error), str(error), *traceback.format_exception(error)]

    def may_be_asked(self) -> bool:
        """A rate limit that it told is over."""
        try:
            session.call(self.account, lambda client: client.price("BTC/USDT:USDT", PriceKind.MARK))
        except NotSent:
            return False
        return True

    def listen(self) -> None:
        """Until its stream broke."""

        async def story() -> None:
            broken = asyncio.Event()

            async def broke(failures: int, text: str) -> None:
                self.raised.append(text)
                broken.set()

            async def listen(stream: object, succeeded: Callable[[], None]) -> None:
                async for _ in stream.private_events():  # type: ignore[attr-defined]
                    raise ConnectionError("it was open, and is not")

            task = asyncio.create_task(listening.keep_listening("stream", self.account, listen, broke))
            await asyncio.wait_for(broken.wait(), 30)
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(story())


async def _balance(client: ExchangeClient) -> object:
    return await client.balance()


@pytest.fixture
def vault(
    db, wired: WiredVenue, marks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, request
) -> Iterator[Vault]:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(listening, "MAX_BACKOFF_SECONDS", 0.0)
    account = an_account(venue=request.param, api_key=KEY, api_secret=paper_secret(KEY))
    made = Vault(account, wired, wired.url)
    monkeypatch.setattr(registry, "_paper", made.credentials)
    a_ticker("BTCUSDT")
    refresh_instruments()
    yield made
    session.close_all()


def hear_what_is_stored(planted: Planted) -> None:
    with connection.cursor() as cursor:
        for _, row in rows_of_all_tables(cursor):
            planted.hear("stored", row)
    with redis.Redis.from_url(configured.REDIS_URL) as kept:
        planted.hear("stored", all_of_redis(kept))


def everything_shown(account: ExchangeAccount) -> str:
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    admin = [
        "exchanges_exchangeaccount", "signals_app_strategy", "signals_app_signallog", "positions_position",
        "positions_order", "positions_riskevent", "exchanges_accountwatch", "ops_trailentry",
    ]  # fmt: skip
    pages = ["/", "/health/", "/signals/ledger/", f"/admin/exchanges/exchangeaccount/{account.pk}/change/"]
    pages += [reverse(f"admin:{name}_changelist") for name in admin if name in _registered()]
    shown = [f"/positions/{pk}/" for pk in Position.objects.values_list("pk", flat=True)]
    answers = [client.get(page) for page in (*pages, *shown)]
    assert [one.status_code for one in answers] == [200] * len(answers)
    stories = [story_of("position", str(pk)) for pk in Position.objects.values_list("pk", flat=True)]
    return "\n".join([*(one.content.decode() for one in answers), *(repr(story) for story in stories)])


def _registered() -> set[str]:
    from django.contrib import admin

    return {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}


@pytest.mark.parametrize("vault", ["binance", "bybit"], indirect=True)
def test_nothing_written_shown_or_raised_holds_a_secret(vault: Vault, caplog) -> None:
    account = vault.account
    a_trader(account)
    vault.try_everything()
    assert Position.objects.filter(account=account).exists(), "the planted keys do trade"
    for fault in FAULTS:
        vault.wired.server.faults.plan(method="*", path="*", times=4, **fault)
        vault.try_everything()
        vault.wired.server.faults.clear()
    for position in Position.objects.filter(is_live=True):
        request_close(position.pk, reason="manual", requested_by="test")
    vault.url = NOBODY
    vault.try_everything()
    vault.listen()
    vault.url = vault.wired.url
    until(vault.may_be_asked, "an exchange that may be asked again")
    ExchangeAccount.objects.update(api_secret=OTHER_SECRET)
    vault.try_everything()
    vault.listen()

    planted = Planted(dict(zip(("the key", "its secret", "another secret"), vault.secrets, strict=True)))
    hear_what_is_stored(planted)
    for where, text in {
        "raised": "\n".join(vault.raised), "logged": caplog.text, "shown": everything_shown(account),
    }.items():  # fmt: skip
        planted.hear(where, text)
    told = {where: "\n".join(texts) for where, texts in planted.told.items()}
    assert RiskEvent.objects.filter(account=account).exists()
    assert AccountWatch.objects.get(account=account).reconcile_error
    assert ExchangeAccount.objects.get(pk=account.pk).trading_state == "halted", (
        "the exchange refused the keys"
    )
    assert all(account.name in told[where] for where in ("logged", "stored", "shown"))
    assert "exchanges.errors." in told["raised"]
    assert planted.leaks() == []
