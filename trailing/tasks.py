"""Carriers: one service call each."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from celery import shared_task
from django.utils import timezone

from positions.services import catching_up
from positions.services.volatility import refresh_true_ranges as refresh
from trailing import asking, services, sweeping


@shared_task(name="trailing.tasks.advance")
def advance(position_id: int, price: str, at: str) -> None:
    services.advance(position_id, Decimal(price), datetime.fromisoformat(at))


@shared_task(name="trailing.tasks.protect")
def protect(position_id: str) -> None:
    services.protect(int(position_id))


@shared_task(name="trailing.tasks.sweep")
def sweep() -> None:
    sweeping.sweep(timezone.now())


@shared_task(name="trailing.tasks.ask")
def ask() -> None:
    asking.ask(timezone.now())


@shared_task(name="trailing.tasks.catch_up")
def catch_up() -> None:
    catching_up.catch_up(timezone.now())


@shared_task(name="trailing.tasks.refresh_true_ranges")
def refresh_true_ranges() -> None:
    refresh(timezone.now())


@shared_task(name="trailing.tasks.cleanup_orphans")
def cleanup_orphans() -> None:
    services.cleanup_orphan_ts_states()
