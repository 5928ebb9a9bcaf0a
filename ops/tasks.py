"""Carriers: one service call each."""

from __future__ import annotations

from celery import shared_task

from ops import services as system_log
from ops.legacy.services import importing
from ops.trail import services


@shared_task(name="ops.tasks.seal_trail")
def seal_trail() -> None:
    services.seal_waiting()


@shared_task(name="ops.tasks.forget_old_system_events")
def forget_old_system_events() -> None:
    system_log.forget_old_system_events()


@shared_task(name="ops.tasks.take_over_what_waits")
def take_over_what_waits() -> None:
    importing.take_over_what_waits()


@shared_task(name="ops.tasks.show_that_orders_are_taken")
def show_that_orders_are_taken() -> None:
    """Nothing to do: orders come as hints, so only this says that their worker lives when there are none."""
