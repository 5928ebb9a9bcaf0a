"""Python looks for garbage among all that was ever imported, again and again: a tenth of the time of a test run. What
is there when the tests begin stays anyway; of what comes later it looks at more at once."""

from __future__ import annotations

import gc

import pytest

gc.disable()  # while thousands of tests are read


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)
    gc.enable()
