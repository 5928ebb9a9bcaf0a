"""Start-up is recovery: there is no other way back than the one every start takes."""

from __future__ import annotations

import pytest

from tests.integration.recovery import recover
from tests.integration.stack import Stack


@pytest.mark.timeout(240)
def test_twenty_positions_are_proven_protected_soon_after_everything_was_killed(complete: Stack) -> None:
    found = recover(complete, 20)
    assert found.positions == 20
    assert 0 < found.awake < found.seconds  # how many those are is what `make recovery` measures
