"""Pages and workers start without what only forecasting needs."""

from __future__ import annotations

import os
import subprocess
import sys

from tradingbot.environment import BASE_DIR

ASK = """
import sys, django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
print([name for name in ("numpy", "sklearn", "talib", "bottleneck") if name in sys.modules])
"""


def test_the_pages_are_there_without_numpy() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tradingbot.settings"}
    told = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, cwd=BASE_DIR, capture_output=True, text=True, timeout=60
    )
    assert told.stdout.strip() == "[]", told.stderr
