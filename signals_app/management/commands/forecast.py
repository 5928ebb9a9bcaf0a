"""manage.py forecast: trains models, tells of them, and says which one is asked."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.types import Timeframe
from ops.console import Row, be_sure, refuse_usage, tell
from signals_app.forecast_models import ForecastModel
from signals_app.forecasts.services.models import keep_model, put_in_use, take_out_of_use
from signals_app.forecasts.terms import HORIZONS

if TYPE_CHECKING:
    from signals_app.forecasts.training_orders import Order

EXTRA = "Forecasts need the extra `ml`, which is not installed: pip install 'tradingbot[ml]'."
EFFORTS = ("quick", "usual")
DAYS = 180
WORTHLESS = "USE ANYWAY"
