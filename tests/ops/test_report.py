"""What a dry run's report holds for true. Its rows have no time to rest: the run is over."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.types import BalanceReport
from ops.report import evidence, writing
from ops.report.invariants import Facts, check
from positions.models import Position
from tests.builders import a_fill, a_position, a_trailing_stop, an_account, an_order

pytestmark = pytest.mark.django_db
FILLS, STOPS = "sum of fills equals position", "every open position has a stop on the exchange"
TRAILING, WALLETS = (
    "trailing rows belong to live positions",
    "wallet change equals profit less fees plus funding",
)


def contradictions(account: ExchangeAccount, wallet: D = D(1000)) -> dict[str, list[str]]:
    told = evidence.AccountEvidence(account, BalanceReport(wallet, wallet, wallet), (), ())
    an_hour_ago = timezone.now() - timedelta(hours=1)
    facts = Facts([told], [], {str(account.pk): D(1000)}, an_hour_ago)
    return {name: found for name, found in check(facts).items() if found}


def a_closed_position() -> Position:
    """Bought and sold at one price, without a fee."""
    position = a_position(status="closed", average_exit_price=D("97250.4"))
    for purpose in ("entry", "close"):
        a_fill(an_order(position, purpose=purpose, status="filled"), fee=0)
    return position


def test_a_run_that_was_right_contradicts_nothing() -> None:
    assert contradictions(a_closed_position().account) == {}


def test_what_is_wrong_this_very_second_is_found() -> None:
    account = a_position().account
    assert contradictions(account).keys() >= {FILLS, STOPS, TRAILING}


def test_a_position_taken_from_the_exchanges_word_is_no_contradiction() -> None:
    position = a_closed_position()
    position.fills.filter(order__purpose="entry").delete()
    Position.objects.update(unexplained_quantity=D("0.008"), unexplained_price=D(97000), realized_pnl=2)
    assert contradictions(position.account) == {}


def test_an_open_position_that_holds_nothing_needs_no_stop() -> None:
    position = a_position(quantity=0)
    a_trailing_stop(position)
    assert contradictions(position.account) == {}


def test_a_fee_in_another_coin_is_paid_from_another_wallet() -> None:
    position = a_closed_position()
    position.fills.update(fee=D("0.01"), fee_currency="BNB")
    assert contradictions(position.account) == {}
    position.fills.update(fee_currency="USDT")
    assert contradictions(position.account).keys() == {WALLETS}
    assert contradictions(position.account, wallet=D("999.98")) == {}


def test_a_run_begins_with_wallets_between_two_executions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = an_account()

    def wallets() -> dict[str, D]:
        if Position.objects.exists():
            return {str(account.pk): D(999)}
        a_fill(an_order(a_position(account=account), status="filled"), executed_at=timezone.now())
        return {str(account.pk): D(1000)}

    monkeypatch.setattr(evidence, "wallets", wallets)
    writing.write_baseline(tmp_path / "baseline.json")
    assert json.loads((tmp_path / "baseline.json").read_text())["wallets"] == {str(account.pk): "999"}
