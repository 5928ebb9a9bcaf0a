"""A short run of what `make intake` does at length."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.intake_campaign.product import OURS

COMMAND = ["-m", "tests.intake_campaign", "--signals", "200", "--seconds", "2", "--seed", "12"]


@pytest.mark.timeout(300)
def test_the_ledger_closes_though_processes_and_servers_are_killed() -> None:
    """In a process of its own, for it has servers of its own that may be killed."""
    env = {name: value for name, value in os.environ.items() if name not in OURS}
    told = subprocess.run([sys.executable, *COMMAND], env=env, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "0 violations" in told.stdout
    assert "SIGKILL intake" in told.stdout
