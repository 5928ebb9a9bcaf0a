"""Each risk limit refuses at its edge and not before it, for signals that come in as any signal does; and where twenty
come in at once, as many open as are allowed. What each refusal says is a verdict row and a risk event."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal as D
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from exchanges.models import ExchangeAccount
from exchanges.paper.book import Rules
from exchanges.paper.inprocess import ENGINES
from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from exchanges.types import BalanceReport
from positions.models import Position, RiskEvent, RiskLimits
from positions.services import equity
from positions.services.instruments import refresh_instruments
from signals_app import market_facts
from signals_app.models import SignalLogEntry, Strategy
from signals_app.registry import load
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival
from signals_app.services.intake import receive_signal
from tests.builders import a_balance, a_strategy, a_ticker, an_account
from tests.conftest import ADDRESS
from tests.sampling import sample

COINS = [f"C{number:02}USDT" for number in range(20)]
FIRST, SECOND = COINS[:2]
CENT = D("0.01")
AT_ONCE = 20

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market(settings: Settings, engine: Engine) -> Iterator[Engine]:
    """Twenty contracts at 100, with two ten-thousandths between bid and ask."""
    settings.MAX_PRICE_AGE = timedelta(minutes=1)  # twenty at once may take longer than a price is believed
    made = ENGINES[ADDRESS] = Engine([_rules(coin) for coin in COINS])
    for coin in COINS:
        made.set_price(coin, D(100), now_ms())
        a_ticker(coin)
    market_facts.forget()
    yield made
    market_facts.forget()


def _rules(coin: str) -> Rules:
    step = D("0.001")
    return Rules(coin, coin.removesuffix("USDT"), "USDT", CENT, step, step, D(10_000), D(5))


class House:
    """Accounts of 10,000; a strategy whose positions are 1000 in size, 200 in margin, and risk 20."""

    def __init__(self) -> None:
        self.account = self.new_account()
        refresh_instruments()
        self.strategy = self.new_strategy(self.account)

    def new_account(self) -> ExchangeAccount:
        account = an_account(max_open_positions=0, max_exposure=0)
        a_balance(account)
        return account

    def new_strategy(self, account: ExchangeAccount, **values: Any) -> Strategy:
        usual = {"notional": D(1000), "leverage": 5, "max_open_positions": 0, "opposite_signal": "hedge"}
        made = a_strategy(account, **usual | values)
        for phrase, direction in (("UP", "long"), ("DOWN", "short"), ("open_long", "long")):
            made.phrases.create(phrase=phrase, direction=direction)
        return made

    def limit(self, **values: Any) -> None:
        RiskLimits.objects.update_or_create(account=self.account, defaults=values)

    def limit_all(self, **values: Any) -> None:
        RiskLimits.objects.update_or_create(account=None, strategy=None, defaults=values)

    def lost(self, percent: D) -> None:
        """Seen twice, as the comparison with the exchange does."""
        for equity_told, seconds in ((D(10_000), 0), (100 * (100 - percent), 5), (100 * (100 - percent), 10)):
            told = BalanceReport(D(10_000), equity_told, D(9000))
            equity.look(self.account.pk, told, timezone.now() + timedelta(seconds=seconds))


@pytest.fixture
def house(market: Engine) -> House:
    return House()


def say(message: str, coin: str = FIRST, **fields: Any) -> tuple[str, str]:
    """What became of it: the status and the code of its one verdict."""
    bar = timezone.now().replace(second=0, microsecond=0).isoformat()
    return hand_in({"symbol": coin, "message": message, "bar_time": bar} | fields)


def hand_in(frame: dict[str, Any]) -> tuple[str, str]:
    arrival = Arrival(json.dumps(frame), "test", timezone.now(), SenderRule("test"))
    (entry,) = receive_signal(arrival, load()).entries
    return entry.status.value, entry.reason_code.value if entry.reason_code else ""


OPENED = ("opened", "")
Setting = Callable[[House], None]


def of_account(**values: Any) -> Setting:
    return lambda house: house.limit(**values)


def of_all(**values: Any) -> Setting:
    return lambda house: house.limit_all(**values)


def of_strategy(**values: Any) -> Setting:
    return lambda house: RiskLimits.objects.update_or_create(strategy=house.strategy, defaults=values)


def on_account(**values: Any) -> Setting:
    return lambda house: ExchangeAccount.objects.filter(pk=house.account.pk).update(**values)


def on_strategy(**values: Any) -> Setting:
    return lambda house: Strategy.objects.filter(pk=house.strategy.pk).update(**values)


def tiers(most: str) -> dict[str, Any]:
    rest = {"equity_from": "10000.01", "max_notional": 1}
    return {"notional_tiers": [{"equity_from": 0, "max_notional": most}, rest]}


# one position is open; the second is asked for: what lets it, what does not, the code, which second
EDGES = [
    ("global_positions", of_all(max_positions=2), of_all(max_positions=1), ("UP", SECOND)),
    ("account_positions", on_account(max_open_positions=2), on_account(max_open_positions=1), ("UP", SECOND)),
    ("strategy_positions", on_strategy(max_open_positions=2), on_strategy(max_open_positions=1), ("UP", SECOND)),
    ("symbol_positions", of_account(max_positions_per_symbol=2), of_account(max_positions_per_symbol=1),
     ("DOWN", FIRST)),
    ("direction_positions", of_account(max_positions_per_direction=2), of_account(max_positions_per_direction=1),
     ("UP", SECOND)),
    ("symbol_positions", of_all(max_positions_per_symbol=2), of_all(max_positions_per_symbol=1), ("DOWN", FIRST)),
    ("direction_positions", of_strategy(max_positions_per_direction=2),
     of_strategy(max_positions_per_direction=1), ("UP", SECOND)),
    ("global_exposure", of_all(max_exposure=2000), of_all(max_exposure=D("1999.99")), ("UP", SECOND)),
    ("account_exposure", on_account(max_exposure=2000), on_account(max_exposure=D("1999.99")), ("UP", SECOND)),
    ("strategy_exposure", of_strategy(max_exposure=2000), of_strategy(max_exposure=D("1999.99")), ("UP", SECOND)),
    ("leverage_limit", of_account(max_leverage=5), of_account(max_leverage=4), ("UP", SECOND)),
    ("notional_limit", of_account(**tiers("1000")), of_account(**tiers("999.99")), ("UP", SECOND)),
    ("utilisation_limit", of_account(max_utilisation=4), of_account(max_utilisation=D("3.999")), ("UP", SECOND)),
    ("concentration_limit", of_all(max_concentration=4), of_all(max_concentration=D("3.999")), ("DOWN", FIRST)),
    ("total_risk_limit", of_account(max_total_risk=D("0.4")), of_account(max_total_risk=D("0.399")),
     ("UP", SECOND)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fits", "refuses", "second"), EDGES)
def test_a_counted_limit_refuses_one_step_later_than_it_allows(house, code, fits, refuses, second) -> None:
    assert say("UP") == OPENED
    refuses(house)
    assert say(*second) == ("skipped", code)
    fits(house)
    assert say(*second, bar_time=timezone.now().isoformat()) == OPENED
    told(code)


def told(code: str) -> None:
    """The verdict's row and the event say the same, with figures."""
    entry = SignalLogEntry.objects.get(status="skipped")
    event = RiskEvent.objects.get(event_type="risk_limit")
    assert (entry.reason_code, event.details["code"], event.details["reason"]) == (code, code, entry.note)
    assert any(letter.isdigit() for letter in entry.note)


def test_concentration_counts_only_the_contract_itself(house: House) -> None:
    house.limit(max_concentration=2)
    assert [say("UP", coin) for coin in COINS[:4]] == [OPENED] * 4


@pytest.mark.parametrize(("limit", "code"), [("max_daily_loss", "daily_loss"), ("max_drawdown", "drawdown")])
def test_a_loss_refuses_when_it_is_reached_and_not_before(house: House, limit: str, code: str) -> None:
    house.lost(D(5))
    house.limit(**{limit: D("5.001")})
    assert say("UP") == OPENED
    house.limit(**{limit: D(5)})
    assert say("UP", SECOND) == ("skipped", code)
    told(code)


def test_of_two_rows_the_stricter_counts(house: House) -> None:
    house.limit_all(max_utilisation=1)
    house.limit(max_utilisation=50)
    assert say("UP") == ("skipped", "utilisation_limit")


def test_without_an_equity_a_limit_on_it_lets_nothing_through(house: House) -> None:
    house.account.balance.delete()
    assert say("UP") == OPENED
    house.limit(max_utilisation=80)
    assert say("UP", SECOND) == ("skipped", "equity_unknown")


# the signal itself


def strong(strength: str, coin: str = FIRST) -> tuple[str, str]:
    created = timezone.now().isoformat()
    return hand_in({"symbol": coin, "action": "open_long", "created_at": created, "strength": strength})


def test_a_signal_below_the_least_confidence_is_refused(house: House) -> None:
    assert strong("0.40") == OPENED
    assert strong("0.3999", SECOND) == ("skipped", "low_confidence")
    told("low_confidence")


def test_a_signal_that_says_nothing_of_it_passes_unless_the_strategy_says_otherwise(house: House) -> None:
    assert say("UP") == OPENED
    on_strategy(confidence_unknown="refuse")(house)
    assert say("UP", SECOND) == ("skipped", "low_confidence")


def test_a_profile_asks_for_more_confidence_and_makes_positions_smaller(house: House) -> None:
    on_strategy(risk_profile="conservative")(house)
    assert strong("0.6999") == ("skipped", "low_confidence")
    assert strong("0.70", SECOND) == OPENED
    assert Position.objects.get().planned_notional == 175  # 0.7 of 1000 is 700, and 35 of margin are 175


def test_a_profile_caps_the_leverage(house: House) -> None:
    on_strategy(risk_profile="meme_coins", leverage=15)(house)
    assert say("UP") == OPENED
    assert (Position.objects.get().leverage, Position.objects.get().planned_notional) == (10, 800)


def test_a_signal_that_is_older_than_the_strategy_takes_is_refused(house: House) -> None:
    on_strategy(max_signal_age=60)(house)
    ago = [(timezone.now() - timedelta(seconds=seconds)).isoformat() for seconds in (50, 61)]
    assert say("UP", sent_at=ago[0]) == OPENED
    assert say("UP", SECOND, sent_at=ago[1]) == ("skipped", "signal_too_old")
    told("signal_too_old")


@pytest.mark.parametrize(
    ("column", "code"), [("max_spread_percent", "wide_spread"), ("max_slippage_percent", "slippage")]
)
def test_what_the_book_costs_may_be_too_much(house: House, market: Engine, column: str, code: str) -> None:
    bid, ask = market.touch(FIRST, "SELL"), market.touch(FIRST, "BUY")
    cost = ask - bid if code == "wide_spread" else ask - 100
    on_strategy(**{column: cost / (ask + bid) * 200 if code == "wide_spread" else cost})(house)
    assert say("UP") == OPENED
    on_strategy(**{column: cost - D("0.0001")})(house)
    assert say("UP", SECOND) == ("skipped", code)
    told(code)


def test_a_price_that_ran_away_from_the_signals_own_is_not_chased(house: House) -> None:
    on_strategy(max_slippage_percent=D("0.2"))(house)
    frame = {"action": "open_long", "created_at": timezone.now().isoformat()}
    assert hand_in(frame | {"symbol": FIRST, "entry_price": "99.81"}) == OPENED
    assert hand_in(frame | {"symbol": SECOND, "entry_price": "99.79"}) == ("skipped", "slippage")


# how much


@pytest.mark.parametrize(
    ("values", "notional"),
    [
        ({"sizing_mode": "fixed_notional"}, 1000),
        ({"sizing_mode": "equity_percent", "equity_percent": 5}, 500),
        (
            {"sizing_mode": "equity_percent", "equity_percent": 50},
            1000,
        ),  # never more than the strategy's size
        ({"sizing_mode": "risk_percent", "risk_percent": D("0.1")}, 500),  # 10 of 10,000, two percent away
        ({"sizing_mode": "fixed_risk_balance", "risk_percent": 2, "risk_balance": 500}, 500),
    ],
)
def test_the_ways_to_size(house: House, values: dict[str, Any], notional: int) -> None:
    on_strategy(**values)(house)
    assert say("UP") == OPENED
    assert Position.objects.get().planned_notional == notional


# at once


def at_once(words: list[tuple[str, str]]) -> Counter[tuple[str, str]]:
    start = Barrier(len(words))

    def one(word: tuple[str, str]) -> tuple[str, str]:
        start.wait()
        try:
            return say(*word)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(words)) as pool:
        return Counter(pool.map(one, words))


@pytest.mark.parametrize(
    ("code", "setting"),
    sample(
        [
            ("account_positions", on_account(max_open_positions=7)),
            ("strategy_positions", on_strategy(max_open_positions=7)),
            ("direction_positions", of_account(max_positions_per_direction=7)),
            ("account_exposure", on_account(max_exposure=D("7999.99"))),
            ("utilisation_limit", of_account(max_utilisation=D("15.9"))),
            ("total_risk_limit", of_account(max_total_risk=D("1.59"))),
        ],
        3,
    ),
)
def test_twenty_at_once_open_as_many_as_the_account_may_hold(house, code, setting) -> None:
    setting(house)
    assert at_once([("UP", coin) for coin in COINS]) == {OPENED: 7, ("skipped", code): AT_ONCE - 7}
    assert Position.objects.filter(is_live=True).count() == 7
    assert RiskEvent.objects.filter(details__code=code).count() == AT_ONCE - 7


@pytest.mark.parametrize(
    ("code", "limits"),
    sample(
        [
            ("global_positions", {"max_positions": 7}),
            ("global_exposure", {"max_exposure": D("7999.99")}),
            ("direction_positions", {"max_positions_per_direction": 7}),
        ],
        3,
    ),
)
def test_twenty_at_once_on_four_accounts_open_as_many_as_all_may_hold(house, code, limits) -> None:
    house.limit_all(**limits)
    words = []
    for number in range(4):
        strategy = a_strategy(
            house.new_account(), notional=D(1000), leverage=5, max_open_positions=0, opposite_signal="hedge"
        )
        strategy.phrases.create(phrase=f"UP {number}", direction="long")
        words += [(f"UP {number}", coin) for coin in COINS[number * 5 : number * 5 + 5]]
    assert at_once(words) == {OPENED: 7, ("skipped", code): AT_ONCE - 7}
    assert Position.objects.filter(is_live=True).values("account").distinct().count() > 1
