from __future__ import annotations

import pytest

from ops import system_log
from ops.system_log import Writer


@pytest.fixture(autouse=True)
def events(monkeypatch) -> list:
    """Events of the system log stay in memory: its thread writes outside of a test's transaction."""
    kept: list = []
    monkeypatch.setattr(system_log, "writer", Writer(kept.extend))
    return kept
