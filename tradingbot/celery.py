from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready

from tradingbot.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
# `migrate` made Django's checks before; in each worker they would import every page, half a second and 15 MB of them
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

logger = logging.getLogger(__name__)
AT_START = ("submit due orders", "resolve unknown orders", "evaluate trailing stops")

app = Celery("tradingbot", task_cls="tradingbot.sweep_tasks:SweepTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def be_ready_to_trade(**signal: Any) -> None:
    """No sweep waits for one account."""
    from exchanges.registry import warm_up
    from positions.services.sweeping import go_side_by_side

    warm_up()
    go_side_by_side()


@worker_ready.connect
def sweep_at_once(**signal: Any) -> None:
    """The hints that a killed worker had in hand died with it; the next beat may be seconds away."""
    for task, queue in ((SCHEDULE[name]["task"], SCHEDULE[name]["options"]["queue"]) for name in AT_START):
        try:
            app.send_task(task, queue=queue, retry=False, ignore_result=True, expires=10)
        except Exception as error:
            logger.warning("%s could not be asked for (%s); beat will", task, type(error).__name__)
