"""Carriers: one service call each. What reckons is imported where it is called: only the worker that is given these
tasks has numbers in memory, and only where there is something to forecast."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone


@shared_task(name="signals_app.tasks.make_forecasts")
def make_forecasts() -> None:
    from signals_app.forecasts.services import forecasting

    forecasting.make_due(timezone.now())


@shared_task(name="signals_app.tasks.judge_forecasts")
def judge_forecasts() -> None:
    from signals_app.forecasts.services import judging

    judging.judge_forecasts(timezone.now())


@shared_task(name="signals_app.tasks.measure_forecasts")
def measure_forecasts() -> None:
    from signals_app.forecasts.services import measuring

    measuring.measure_forecasts(timezone.now())
