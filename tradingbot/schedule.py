"""Every periodic task of the system.

The database scheduler writes this table over its own rows by name at each start, so a changed interval in the
admin lasts until the next start; switching a row off there survives.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any


def _every(task: str, queue: str, **interval: float) -> dict[str, Any]:
    seconds = timedelta(**interval).total_seconds()
    # a hint older than its interval is worthless: the next one does the same work. The database scheduler has a word of
    # its own for it, and drops Celery's
    lives = int(max(seconds, 10))
    return {"task": task, "schedule": seconds, "options": {"queue": queue, "expire_seconds": lives}}


# queue "reconcile": questions to an exchange, which may be slow for minutes; the nets in "sweeps" do not wait for them
SCHEDULE = {
    "submit due orders": _every("positions.tasks.submit_due", "sweeps", seconds=2),
    "close again what was refused": _every("positions.tasks.close_again", "sweeps", seconds=1),
    "look after arbitrage trades": _every("positions.tasks.tend_trades", "sweeps", seconds=1),
    "watch arbitrage pairs": _every("positions.tasks.watch_pairs", "reconcile", seconds=1),
    "tend waiting orders": _every("positions.tasks.tend_waiting", "sweeps", seconds=2),
    "call off overtaken entries": _every("positions.tasks.call_off_overtaken_entries", "sweeps", seconds=2),
    "close what is to be flat": _every("positions.tasks.close_for_flat", "sweeps", seconds=2),
    "prove what is flat": _every("positions.tasks.prove_flat", "reconcile", seconds=2),
    "resolve unknown orders": _every("positions.tasks.resolve_unknown", "reconcile", seconds=2),
    "reconcile with the exchange": _every("positions.tasks.reconcile", "reconcile", seconds=10),
    "collect funding payments": _every("positions.tasks.collect_funding", "reconcile", minutes=10),
    "check what must be true": _every("positions.tasks.check_invariants", "sweeps", seconds=15),
    "judge how near limits are": _every("positions.tasks.watch_limits", "sweeps", seconds=15),
    "evaluate trailing stops": _every("trailing.tasks.sweep", "sweeps", seconds=3),
    "ask for prices that no stream tells": _every("trailing.tasks.ask", "reconcile", seconds=3),
    "rebuild best prices": _every("trailing.tasks.catch_up", "reconcile", seconds=3),
    "refresh average true ranges": _every("trailing.tasks.refresh_true_ranges", "reconcile", seconds=10),
    "remove orphan trailing state": _every("trailing.tasks.cleanup_orphans", "sweeps", hours=1),
    "seal the trail": _every("ops.tasks.seal_trail", "sweeps", seconds=2),
    "forget old system events": _every("ops.tasks.forget_old_system_events", "sweeps", hours=1),
    "take over what waits of an older bot": _every("ops.tasks.take_over_what_waits", "reconcile", minutes=1),
    "try out each kind of order": _every("positions.tasks.run_canary", "reconcile", seconds=30),
    "show that orders are taken": _every("ops.tasks.show_that_orders_are_taken", "orders", seconds=5),
    "make forecasts": _every("signals_app.tasks.make_forecasts", "forecasts", seconds=3),
    "judge forecasts": _every("signals_app.tasks.judge_forecasts", "forecasts", minutes=1),
    "measure how far forecasts can be trusted": _every(
        "signals_app.tasks.measure_forecasts", "forecasts", hours=1
    ),
    "refresh instruments": _every("positions.tasks.refresh_instruments", "reconcile", minutes=5),
}
