"""Carriers: one service call each."""

from __future__ import annotations

from celery import shared_task

from ops.trail import services


@shared_task(name="ops.tasks.seal_trail")
def seal_trail() -> None:
    services.seal_waiting()
