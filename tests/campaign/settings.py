"""The product's settings with a database that can be killed at any statement, and a broker inside the process."""

from __future__ import annotations

from datetime import timedelta

from tradingbot.settings import *  # noqa: F403
from tradingbot.settings import DATABASES

DATABASES["default"]["ENGINE"] = "tests.campaign.backend"
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
CHANNEL_LAYERS: dict[str, object] = {}
PAPER_EXCHANGE_URL = "inprocess:campaign"
LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO"}}
CANARY_EVERY = timedelta(days=365)  # its worlds are about positions
