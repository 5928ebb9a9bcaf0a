"""One signal, three accounts at two venues, through the real processes: each leg is its own."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import pytest
from django.utils import timezone

from exchanges.models import AccountBalance, ExchangeAccount, Instrument
from exchanges.paper.demo import DEMO_PRICES
from positions.models import Order, Position
from signals_app.models import SignalLogEntry, StrategyAccount
from tests.integration.stack import Trader
from tests.ops.waiting import until

SILENT_SECONDS = 60
BURST = sorted(DEMO_PRICES)


@dataclass
class Fan:
    """The trader's strategy on its own account and two more, the third at Bybit."""

    trader: Trader
    accounts: list[ExchangeAccount]

    def send(self, message: str = "GO LONG", **fields: Any) -> dict[int, dict[str, Any]]:
        """Account -> its verdict."""
        return {entry["account_id"]: entry for entry in self.trader.send(message, **fields)["entries"]}

    def there(self, account: ExchangeAccount) -> dict[str, Any]:
        """What the exchange itself has of it."""
        with urlopen(f"{self.trader.stack.paper.url}/paper/state", timeout=60) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)["accounts"][key_of(account)]
        return found

    def held(self) -> list[int]:
        """Positions at the exchange, of each account."""
        return [len(self.there(account)["positions"]) for account in self.accounts]

    def protected(self, **wanted: Any) -> list[ExchangeAccount]:
        open_ones = Position.objects.filter(status="open", **wanted)
        standing = open_ones.filter(orders__purpose="protect", orders__status="accepted").distinct()
        return [one for one in self.accounts if standing.filter(account=one).exists()]


def key_of(account: ExchangeAccount) -> str:
    return f"paper-{account.pk}-{account.name}"


def another(trader: Trader, **values: Any) -> ExchangeAccount:
    name = f"it-{uuid.uuid4().hex[:8]}"
    made = ExchangeAccount.objects.create(name=name, max_open_positions=50, max_exposure=1_000_000, **values)
    StrategyAccount.objects.create(strategy=trader.strategy, account=made, size_percent=50)
    return made


@pytest.fixture
def fan(trader: Trader, beat: None) -> Iterator[Fan]:
    made = Fan(trader, [trader.account, another(trader), another(trader, venue="bybit")])
    trader.run("positions.tasks.refresh_instruments")
    until(lambda: Instrument.objects.filter(venue="bybit").exists(), "Bybit's contracts")
    listened_to = AccountBalance.objects.filter(account__in=made.accounts)
    until(lambda: listened_to.count() == 3, "the private streams of all accounts")
    until(lambda: len(made.send("OUT LONG")) == 3, "the accounts to be known at the door")
    yield made
    trader.stack.paper.clear_faults()


def test_one_signal_opens_protects_and_closes_on_three_accounts(fan: Fan) -> None:
    verdicts = fan.send()
    assert {account: one["status"] for account, one in verdicts.items()} == {
        account.pk: "opened" for account in fan.accounts
    }
    until(lambda: fan.protected() == fan.accounts, "a stop on each account")
    assert fan.held() == [1, 1, 1]
    whole, half, _ = (Position.objects.get(account=account) for account in fan.accounts)
    assert whole.quantity > half.quantity
    assert Order.objects.filter(purpose="protect").values("client_order_id").distinct().count() == 3

    closed = fan.send("OUT LONG")
    assert {one["status"] for one in closed.values()} == {"closed"}
    until(lambda: Position.objects.filter(status="closed").count() == 3, "each leg to be closed")
    until(lambda: fan.held() == [0, 0, 0], "nothing to be held")


@pytest.mark.soak
def test_a_repeat_a_limit_and_a_refusal_concern_whom_they_concern(fan: Fan) -> None:
    limited, refused, good = fan.accounts
    StrategyAccount.objects.filter(account=limited).update(max_open_positions=1)
    fan.send(symbol="ETHUSDT")
    until(lambda: len(fan.protected()) == 3, "the first positions")
    body = json.dumps({"code": -2019, "msg": "Margin is insufficient."})
    fan.trader.stack.paper.hook(
        "faults",
        kind="answer",
        method="POST",
        path="/fapi/v1/order",
        api_key=key_of(refused),
        status=400,
        body=body,
    )
    bar_time = timezone.now().isoformat()
    verdicts = fan.send(bar_time=bar_time)
    assert [verdicts[one.pk]["status"] for one in fan.accounts] == ["skipped", "opened", "opened"]
    never = Position.objects.filter(account=refused, close_reason="never_opened")
    until(never.exists, "the refusal of the exchange")
    until(lambda: fan.held() == [1, 1, 2], "the leg of the account that nothing was wrong with")
    until(lambda: fan.protected(instrument__exchange_symbol="BTCUSDT") == [good], "its stop")

    assert fan.trader.send(bar_time=bar_time)["status"] == "duplicate"
    assert SignalLogEntry.objects.filter(log__symbol="BTCUSDT", log__message="GO LONG").count() == 3
    assert Order.objects.filter(purpose="entry", symbol="BTCUSDT").count() == 2


def test_an_exchange_that_answers_nothing_holds_up_no_other_account(fan: Fan) -> None:
    silent, *others = fan.accounts
    fan.trader.stack.paper.hook(
        "faults", kind="delay_before", api_key=key_of(silent), seconds=SILENT_SECONDS, times=1000
    )
    began = time.monotonic()
    for symbol in BURST:
        fan.send(symbol=symbol)
    mine = Position.objects.filter(account__in=others)
    count = mine.count()
    assert count > len(BURST), "of a price that was not known in time nothing is opened, wherever that was"
    stops = Order.objects.filter(account__in=others, purpose="protect", status="accepted")
    until(lambda: stops.count() == count, "the entries and stops of the other accounts", 60)
    for symbol in BURST:
        fan.send("OUT LONG", symbol=symbol)
    until(lambda: mine.filter(status="closed").count() == count, "their closes", 60)
    assert time.monotonic() - began < SILENT_SECONDS, "all that while the one was still silent"
    assert not Order.objects.filter(account=silent, status="filled").exists()
