"""The report of a dry run: a baseline at its start, a YAML file at its end."""

from __future__ import annotations

import json
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from ops.report import evidence
from ops.report.figures import figures
from ops.report.invariants import Facts, check
from positions.lifecycle import OrderStatus
from positions.models import Fill, Order
from positions.services.reconciliation import collect_funding

SETTLE_SECONDS = 20.0
UNSETTLED = (
    OrderStatus.INITIALIZED,
    OrderStatus.SUBMITTED,
    OrderStatus.TRIGGERED,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.PENDING_CANCEL,
)


def write_baseline(path: Path) -> None:
    at, wallets = _quiet_wallets()
    path.write_text(json.dumps({"at": at.isoformat(), "wallets": wallets}))


def _quiet_wallets() -> tuple[datetime, dict[str, str]]:
    """The moment, and wallets without an execution between it and their answer."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        at = timezone.now()
        wallets = {key: str(value) for key, value in evidence.wallets().items()}
        if not Fill.objects.filter(executed_at__gte=at).exists():
            return at, wallets
        if time.monotonic() > deadline:
            raise TimeoutError("executions all the time: no wallet to begin with")


def write_report(path: Path, baseline: Path) -> bool:
    """True when every invariant holds."""
    start = json.loads(baseline.read_text())
    settled = _wait_until_settled()
    collect_funding()
    sent = evidence.sent_orders()
    facts = Facts(
        accounts=evidence.ask_accounts(),
        sent=sent,
        baseline_wallets={key: Decimal(value) for key, value in start["wallets"].items()},
        began_at=datetime.fromisoformat(start["at"]),
    )
    report = _compose(datetime.fromisoformat(start["at"]), sent, check(facts), settled)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(report, sort_keys=False, allow_unicode=True))
    return bool(report["all_true"])


def _compose(
    since: datetime, sent: list[evidence.SentOrder], broken: dict[str, list[str]], settled: bool
) -> dict[str, Any]:
    return {
        "started_at": since.isoformat(),
        "seconds": round((timezone.now() - since).total_seconds(), 1),
        **figures(since, sent),
        "invariants": {sentence: not contradictions for sentence, contradictions in broken.items()},
        "contradictions": {sentence: found[:20] for sentence, found in broken.items() if found},
        "settled": settled,
        "all_true": settled and not any(broken.values()),
    }


def _wait_until_settled() -> bool:
    """Let what is under way arrive: no order in flight and no execution untold."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not _is_settled():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _is_settled() -> bool:
    if Order.objects.filter(status__in=UNSETTLED).exists():
        return False
    told = Coalesce(Sum("fills__quantity"), Decimal(0), output_field=Order._meta.get_field("quantity"))
    return not Order.objects.annotate(told=told).filter(told__lt=F("filled_quantity")).exists()
