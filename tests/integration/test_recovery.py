"""Start-up is recovery: there is no other way back than the one every start takes."""

from __future__ import annotations

import pytest

from tests.integration.recovery import recover
from tests.integration.stack import Stack

LIMIT_SECONDS = 10.0


@pytest.mark.timeout(240)
def test_twenty_positions_are_proven_protected_soon_after_everything_was_killed(complete: Stack) -> None:
    found = recover(complete, 20)
    assert found.positions == 20
    assert found.seconds - found.awake <= LIMIT_SECONDS  # how fast Python starts is the machine's business
