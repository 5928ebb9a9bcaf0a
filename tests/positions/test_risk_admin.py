"""Limits are set in the admin with plain words, and what of them is used can be read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exchanges.types import BalanceReport
from ops import first_start
from positions.models import AccountEquity, LimitLevel, RiskEvent, RiskLimits
from positions.services import equity
from tests.builders import a_balance, a_position, a_strategy, an_account

pytestmark = pytest.mark.django_db
ADD = "admin:positions_risklimits_add"


@pytest.fixture
def owner(admin_client: Client) -> Client:
    return admin_client


def form(**values: Any) -> dict[str, Any]:
    counted = dict.fromkeys(
        ("max_positions", "max_exposure", "max_positions_per_symbol", "max_positions_per_direction", "max_leverage",
         "max_utilisation", "max_concentration", "max_total_risk", "max_daily_loss", "max_drawdown"), "0",
    )  # fmt: skip
    levels = {"warn_at": "60", "reduce_at": "80", "halt_at": "95"}
    return counted | levels | {"notional_tiers": "[]", "account": "", "strategy": ""} | values


def errors(owner: Client, **values: Any) -> str:
    answer = owner.post(reverse(ADD), form(**values))
    return "" if answer.status_code == 302 else str(answer.context["adminform"].errors)


def test_the_first_form_proposes_what_is_recommended_and_says_what_zero_means(owner: Client) -> None:
    page = owner.get(reverse(ADD))
    assert "0 or empty: no limit" in page.content.decode()
    assert page.context["adminform"].form["max_daily_loss"].value() == 5
    assert errors(owner, max_positions="10") == ""
    assert "max_daily_loss" not in owner.get(reverse(ADD)).context["adminform"].form.initial


def test_a_new_installation_has_the_recommended_limits_and_keeps_what_its_owner_makes_of_them() -> None:
    first_start.seed_limits()
    RiskLimits.objects.update(max_positions=3)
    first_start.seed_limits()
    assert RiskLimits.objects.get().max_positions == 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"max_daily_loss": "101"}, "less than or equal to 100"),
        ({"max_drawdown": "-1"}, "greater than or equal to 0"),
        (
            {"notional_tiers": '[{"equity_from": 5, "max_notional": 1}]'},
            "the first tier begins at an equity of 0",
        ),
        ({"notional_tiers": '"lots"'}, "tiers are a list"),
        ({"warn_at": "90", "reduce_at": "80"}, "Warn comes first"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(owner: Client, values, said) -> None:
    assert said in errors(owner, **values)


def test_each_limit_is_said_in_one_place(owner: Client) -> None:
    account, strategy = an_account().pk, a_strategy().pk
    assert "on their own page" in errors(owner, account=account, max_positions="3")
    assert "said on its own page" in errors(owner, account=account, max_exposure="3")
    assert "Percents of equity are for accounts" in errors(owner, strategy=strategy, max_daily_loss="3")
    assert "Name an account or a strategy" in errors(owner, account=account, strategy=strategy)
    assert errors(owner, account=account, max_daily_loss="3") == ""
    assert "already exists" in errors(owner, account=account)
    assert errors(owner) == ""
    assert "There are such limits already" in errors(owner)


def tracked() -> AccountEquity:
    account = an_account(max_open_positions=4)
    a_balance(account, equity=D(1000))
    a_position(account=account)
    RiskLimits.objects.create(account=account, max_utilisation=20, max_drawdown=10)
    for ago, told in ((10, 1000), (5, 950), (0, 950)):
        at = timezone.now() - timedelta(seconds=ago)
        equity.look(account.pk, BalanceReport(D(1000), D(told), D(0)), at)
    return AccountEquity.objects.get()


def test_an_account_shows_what_of_its_limits_is_used(owner: Client) -> None:
    page = owner.get(reverse("admin:positions_accountequity_change", args=[tracked().pk])).content.decode()
    assert "<td>positions</td><td>account</td><td>1</td><td>4</td>" in page
    assert "<td>margin in use</td><td>account</td><td>15.56</td><td>20</td><td>warn</td>" in page
    assert "<td>drawdown</td><td>account</td><td>5</td><td>10</td><td>none</td>" in page


def test_health_tells_the_same_to_programs(owner: Client) -> None:
    account = tracked().account
    told = owner.get(reverse("health")).json()["risk_limits"][account.name]
    drawdown = next(one for one in told if one["limit"] == "drawdown")
    assert (drawdown["percent_of_limit"], drawdown["level"], drawdown["set_for"]) == (
        "50.0",
        "none",
        "account",
    )


def test_losses_can_be_accepted(owner: Client) -> None:
    row = tracked()
    LimitLevel.objects.create(account=row.account, rule="drawdown", level=1, since=timezone.now())
    chosen = {"action": "count_losses_anew", "_selected_action": [row.pk]}
    owner.post(reverse("admin:positions_accountequity_changelist"), chosen)
    assert not AccountEquity.objects.exists()
    assert not LimitLevel.objects.exists()
    assert RiskEvent.objects.get(event_type="losses_accepted").details["by"] == "admin"
