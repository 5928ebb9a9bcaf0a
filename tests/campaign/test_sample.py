"""A world of the fault campaign, and its negative controls. `make faults SEEDS=1000` is the campaign."""

from __future__ import annotations

from contextlib import closing
from types import ModuleType
from unittest.mock import MagicMock

import pytest

from tests.campaign import controls
from tests.campaign.__main__ import CONTROLS
from tests.campaign.servers import environment
from tests.campaign.workers import tell_all

# the world that finds it is told first; the others follow should worlds change
SOON_FOUND = {
    "no-lookup": [11, *range(1, 30)],
    "no-claim": range(1, 30),
    "no-trade-id": range(2, 30),
    "no-form-number": range(2, 30),
    "no-leave-to-loosen": range(1, 30),
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, django_db_setup: None) -> None:
    """The servers of the test run, a database of the worker's own."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)


@pytest.mark.timeout(300)
def test_nothing_goes_wrong_when_everything_goes_wrong() -> None:
    [told] = tell_all([1], 1)
    assert told["violations"] == []
    assert told["counts"]["world"]["orders at the exchange"] >= 5


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_world_is_told_again_from_its_seed() -> None:
    first, again = tell_all([1, 1], 2)
    assert first["digest"] == again["digest"]


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_nothing_goes_wrong_on_bybit_either() -> None:
    """In world 6 orders are cut to what is held."""
    told = list(tell_all([6, 7], 2, venue="bybit"))
    assert [one["violations"] for one in told] == [[], []]


@pytest.mark.parametrize("control", CONTROLS)
def test_what_a_control_takes_away_is_there(control: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("orders", "reports", "once", "by_hand", "pausing", "services", "plan"):
        copy = ModuleType(name)
        copy.__dict__.update(getattr(controls, name).__dict__)
        monkeypatch.setattr(controls, name, copy)
    monkeypatch.setattr(controls, "connection", MagicMock())
    controls.CONTROLS[control]()


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("control", CONTROLS)
def test_a_product_without_a_safeguard_is_found_out(control: str) -> None:
    with closing(tell_all(SOON_FOUND[control], 1, control=control)) as worlds:
        assert any(told["violations"] for told in worlds)
