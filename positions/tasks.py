"""Carriers of service calls. Never retried by Celery around a request; the sweeps come again."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from positions.services import (
    amending,
    arbitrage,
    canary,
    flat_proof,
    flattening,
    halting,
    insisting,
    instruments,
    ladder,
    limit_watch,
    lookups,
    modifying,
    monitoring,
    orders,
    reconciliation,
    stop_refusals,
)
from positions.services.sweeping import is_left_to_the_sweep


@shared_task(name="positions.tasks.submit_order")
def submit_order(order_id: str) -> None:
    if not is_left_to_the_sweep(order_id):
        orders.submit(order_id)


@shared_task(name="positions.tasks.cancel_order")
def cancel_order(order_id: str) -> None:
    if not is_left_to_the_sweep(order_id):
        lookups.cancel(order_id)


@shared_task(name="positions.tasks.amend_order")
def amend_order(order_id: str) -> None:
    if not is_left_to_the_sweep(order_id):
        amending.amend(order_id)


@shared_task(name="positions.tasks.refit_target")
def refit_target(position_id: str) -> None:
    modifying.refit_target(int(position_id))


@shared_task(name="positions.tasks.check_partial_tp")
def check_partial_tp(position_id: str) -> None:
    ladder.check_partial_tp(int(position_id))


@shared_task(name="positions.tasks.tend_waiting")
def tend_waiting() -> None:
    modifying.tend_waiting(timezone.now())


@shared_task(name="positions.tasks.submit_due")
def submit_due() -> None:
    orders.submit_due(timezone.now())


@shared_task(name="positions.tasks.close_again")
def close_again() -> None:
    insisting.close_again(timezone.now())


@shared_task(name="positions.tasks.call_off_overtaken_entries")
def call_off_overtaken_entries() -> None:
    halting.call_off_entries(None)
    stop_refusals.call_off_entries()


@shared_task(name="positions.tasks.close_for_flat")
def close_for_flat() -> None:
    flattening.close_due()


@shared_task(name="positions.tasks.prove_flat")
def prove_flat() -> None:
    flat_proof.prove_due(timezone.now())


@shared_task(name="positions.tasks.resolve_unknown")
def resolve_unknown() -> None:
    lookups.resolve_unknown(timezone.now())


@shared_task(name="positions.tasks.reconcile")
def reconcile() -> None:
    reconciliation.reconcile_all()


@shared_task(name="positions.tasks.reconcile_account")
def reconcile_account(account_id: str) -> None:
    reconciliation.reconcile_account(int(account_id))


@shared_task(name="positions.tasks.collect_funding")
def collect_funding() -> None:
    reconciliation.collect_funding()


@shared_task(name="positions.tasks.check_invariants")
def check_invariants() -> None:
    monitoring.check_invariants()


@shared_task(name="positions.tasks.watch_limits")
def watch_limits() -> None:
    limit_watch.watch_limits(timezone.now())


@shared_task(name="positions.tasks.refresh_instruments")
def refresh_instruments() -> None:
    instruments.refresh_instruments()


@shared_task(name="positions.tasks.tend_trade")
def tend_trade(trade_id: str) -> None:
    arbitrage.tend_trade(int(trade_id))


@shared_task(name="positions.tasks.tend_trades")
def tend_trades() -> None:
    arbitrage.tend_trades()


@shared_task(name="positions.tasks.watch_pairs")
def watch_pairs() -> None:
    arbitrage.watch_pairs(timezone.now())


@shared_task(name="positions.tasks.run_canary")
def run_canary() -> None:
    canary.run_due(timezone.now())
