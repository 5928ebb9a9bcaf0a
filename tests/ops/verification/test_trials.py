"""The trials really try: they pass on the product as it is, and name the part that does not work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection
from django.utils import timezone

from exchanges import session
from exchanges.paper.inprocess import ENGINES
from ops.verification.checks import forecasts, protection, risk
from ops.verification.services import desk, forecasts_trial, limits_trial, protection_trial
from ops.verification.verdicts import Status
from positions.models import Position
from signals_app.forecast_models import ForecastFeed, ForecastRun
from signals_app.forecasts.services import sending
from tests.builders import a_position, an_account, an_instrument

NEVER_MOVES = """
    CREATE FUNCTION never_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$;
    CREATE TRIGGER aaa_never_moves BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION never_moves()
"""


@pytest.fixture(autouse=True)
def market_that_ends(settings, marks) -> Iterator[None]:
    settings.PAPER_EXCHANGE_URLS = {}
    settings.PAPER_EXCHANGE_URL = ""
    yield
    session.close_all()
    ENGINES.pop(desk.MARKET, None)


def in_the_database(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def those_that_do_not_work(check: Callable[[], dict[str, object]]) -> set[str]:
    tried = check()
    works = {**tried["flags"], **{name: is_so for name, is_so in tried.items() if name != "flags"}}
    return {name for name, is_so in works.items() if not is_so}


def test_every_part_of_the_protection_works(db) -> None:
    found = protection.check(protection_trial.run)
    assert found.status is Status.PASSED
    assert {name for name, is_so in found.details.items() if is_so is True} == {
        "partial_take_profit", "profit_protection", "trailing_stop", "database_tracking",
        "check_partial_tp", "stop_at_once",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "body", "broken"),
    [
        (
            "trailing_stop_state",
            "IF OLD.stop_price IS NOT NULL THEN NEW.stop_price := OLD.stop_price; END IF",
            {"profit_protection", "trailing_stop"},
        ),
        (
            "trailing_stop_state",
            "IF NEW.state = 'active' THEN NEW.state := OLD.state; NEW.high_water_mark := OLD.high_water_mark; "
            "NEW.stop_price := OLD.stop_price; NEW.stop_reason := OLD.stop_reason; END IF",
            {"trailing_stop", "database_tracking"},
        ),
        ("partial_tp_history", "NEW.status := OLD.status", {"partial_take_profit"}),
        (
            "positions",
            "IF NEW.close_reason <> '' THEN NEW.close_reason := 'manual'; END IF",
            {"database_tracking"},
        ),
    ],
)
def test_a_part_that_does_not_work_is_named(db, table: str, body: str, broken: set[str]) -> None:
    in_the_database(NEVER_MOVES.format(table=table, body=body))
    assert those_that_do_not_work(protection_trial.run) == broken


def test_levels_that_have_no_table_are_a_broken_check(db) -> None:
    in_the_database("DROP TABLE partial_tp_history")
    with pytest.raises(ProgrammingError):
        protection_trial.run()


def test_every_limit_refuses_for_its_own_reason(db) -> None:
    tried = limits_trial.run()
    assert {name for name, said in tried.items() if said["refused_by"] != said["wanted"]} == set()
    assert len(tried) == 13


def test_a_limit_that_nobody_counts_is_named(db) -> None:
    """Losses are not tracked: what was lost is forgotten as soon as it is written."""
    in_the_database(
        NEVER_MOVES.replace("BEFORE UPDATE", "BEFORE INSERT").format(
            table="account_equity", body="NEW.share := 1; NEW.share_before := 1"
        )
    )
    an_account()
    found = risk.check(limits_trial.run)
    assert [name for name, is_so in found.details["tried"].items() if not is_so] == [
        "loss of the day",
        "drawdown",
    ]
    assert found.status is Status.FAILED


def test_what_was_handed_over_is_no_finding(db) -> None:
    position = a_position(opened_at=timezone.now() - timedelta(hours=1))
    assert len(list(protection._bare())) == 1
    Position.objects.filter(pk=position.pk).update(handed_over_at=timezone.now())
    assert list(protection._bare()) == []


@pytest.fixture
def few(settings, monkeypatch) -> None:
    """Forty signals tell what a thousand would."""
    settings.MAX_SIGNAL_AGE = timedelta(minutes=5)
    monkeypatch.setattr(forecasts_trial, "CONTRACTS", 20)
    monkeypatch.setattr(forecasts_trial, "CANDLES", 2)
    monkeypatch.setattr(sending, "count_arrival", lambda *_: None)  # its thread would write into other tests


def test_a_forecast_goes_all_the_way_to_a_signal(db, few) -> None:
    an_instrument("BTC")  # as another trial may have left it
    found = forecasts.check(forecasts_trial.run)
    assert (found.status, list(found.issues)) == (Status.PASSED, [])
    tried = found.details["tried"]
    assert (tried["columns_left"] >= 240, tried["signals_1000"], tried["signals"]) == (True, 40, 4)
    assert (tried["with_model"]["source"], tried["without_model"]["reason"]) == (
        "model",
        "no model is in use",
    )
    assert tried["signals_1000_seconds"] > 0
    desk.a_strategy_that_is_off()  # with which the next trial begins


GOOD = {
    "source": "model",
    "reason": "",
    "confidence": [0.4, 0.5],
    "btc_and_eth_differ": True,
    "identical": [],
}
RULES = GOOD | {"source": "fallback", "reason": "no model is in use"}
WHOLE = {
    "columns_left": 259, "with_model": GOOD, "without_model": RULES, "after_the_model_went": RULES, "signals": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({}, None),
        ({"columns_left": 239}, "only 239 features"),
        ({"signals": 0}, "became no signal"),
        ({"with_model": RULES}, "with_model: wanted answers of the model, got fallback no model is in use"),
        ({"after_the_model_went": GOOD | {"source": "", "confidence": []}}, "fallback, got none"),
        ({"with_model": GOOD | {"confidence": [0.4, 1.0]}}, "a confidence is not between 0 and 1"),
        ({"without_model": RULES | {"btc_and_eth_differ": False}}, "the same answer, number for number"),
    ],
)
def test_a_forecast_that_stops_halfway_is_found(db, broken: dict[str, object], words: str | None) -> None:
    found = forecasts.check(lambda: WHOLE | broken)
    assert found.status is (Status.FAILED if words else Status.PASSED)
    assert [words in issue.issue for issue in found.issues] == [True] * bool(words)


def test_what_the_installation_s_own_feed_said_is_looked_at(db) -> None:
    feed, now = ForecastFeed.objects.create(account=an_account()), timezone.now()
    assert forecasts.check(lambda: WHOLE).status is Status.PASSED
    run = ForecastRun.objects.create(
        account=feed.account, of_paper=True, started_at=now, finished_at=now, candle_at=now, source="model"
    )
    assert forecasts.check(lambda: WHOLE).status is Status.PASSED
    for changed in ({"identical": [["BTCUSDT", "ETHUSDT"]]}, {"candle_at": now - timedelta(hours=2)}):
        ForecastRun.objects.filter(pk=run.pk).update(**changed)
    found = forecasts.check(lambda: WHOLE)
    assert (found.status, len(found.issues)) == (Status.FAILED, 2)


def test_without_its_libraries_it_cannot_be_asked(db, monkeypatch) -> None:
    monkeypatch.setattr(forecasts, "find_spec", lambda name: None)
    found = forecasts.check(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    assert (found.status, found.is_needed) == (Status.UNKNOWN, False)
    ForecastFeed.objects.create(account=an_account(), sends_signals=True)
    assert forecasts.check(lambda: 1 / 0).is_needed  # type: ignore[arg-type,return-value]
