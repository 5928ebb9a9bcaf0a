"""/metrics: what rows and Redis say, for all processes; and this process's own figures. Imported when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.gc_collector import GCCollector
from prometheus_client.registry import Collector

from ops.health import probes, report
from ops.health.counts import BUCKETS, Counts, counted
from ops.health.facts import Facts, facts
from ops.health.lines import State
from positions.lifecycle import OrderPurpose, OrderStatus

Samples = Mapping[Any, Any]  # label values -> figure
__all__ = ["CONTENT_TYPE", "exposition"]


# a counter that first appears with its fourth refusal has not increased, as Prometheus sees it
NO_REFUSALS = {(purpose.value, OrderStatus.REJECTED.value): 0 for purpose in OrderPurpose}


class Rows(Collector):
    """What cannot be asked is left out: no sample is unknown, a zero would be a lie."""

    def collect(self) -> Iterator[Metric]:
        now = facts.get()
        yield from of_facts(now)
        if now.database_ms is not None:
            yield from of_counts(counted.get())


def gauge(name: str, text: str, labels: Iterable[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(f"tradingbot_{name}", text, labels=list(labels))
    for values, figure in samples.items():
        family.add_metric(list(values), float(figure))
    return family


def counter(name: str, text: str, labels: Iterable[str], samples: Samples) -> Metric:
    family = CounterMetricFamily(f"tradingbot_{name}", f"{text}; since 00:00 UTC", labels=list(labels))
    for values, figure in samples.items():
        family.add_metric(list(values), float(figure))
    return family


def of_counts(seen: Counts) -> Iterator[Metric]:
    yield counter("signals", "Signals by what became of them", ("source", "decision"), seen.signals)
    yield counter("verdicts", "What strategies did with signals", ("outcome", "reason"), seen.verdicts)
    yield counter("orders", "Orders of today that ended", ("purpose", "outcome"), NO_REFUSALS | seen.orders)
    yield counter("stop_moves", "Stops that replaced another", (), {(): seen.stop_moves})
    yield counter("fills", "Executions", (), {(): seen.fills})
    yield counter("risk_events", "Risk events", ("level",), _single(seen.risk_events))
    yield counter("notifications", "Messages", ("delivery",), _single(seen.messages))
    yield counter(
        "unprotected_seconds", "Of positions without a whole stop", (), {(): seen.unprotected_seconds}
    )
    breaks = CounterMetricFamily(
        "tradingbot_stream_breaks", "Private streams that broke and were opened again", labels=["account"]
    )
    for account, count in seen.stream_breaks.items():
        breaks.add_metric([account], count)
    yield breaks
    yield _latency(seen)
    yield gauge("positions", "Live positions", ("account", "status"), seen.positions)
    yield gauge("equity", "Equity, as the exchange said last", ("account",), _single(seen.equity))


def _single(figures: Mapping[str, object]) -> dict[tuple[str, ...], float]:
    return {(name,): float(figure) for name, figure in figures.items()}  # type: ignore[arg-type]


def _latency(seen: Counts) -> Metric:
    buckets = [(str(bound), float(count)) for bound, count in zip(BUCKETS, seen.latency.within, strict=True)]
    return HistogramMetricFamily(
        "tradingbot_signal_to_request_seconds",
        "From a signal's arrival to its entry's request; since 00:00 UTC",
        buckets=[*buckets, ("+Inf", float(seen.latency.count))],
        sum_value=seen.latency.total,
    )


def of_facts(now: Facts) -> Iterator[Metric]:
    """1: ok, 0: failing; a probe that is unknown has no sample."""
    answers = probes.probes(now)
    known = {(name,): float(word == "ok") for name, word in answers.items() if word != "unknown"}
    yield gauge("probe_ok", "1 ok, 0 failing, none: unknown", ("probe",), known)
    yield gauge("ready", "1: all probes are ok", (), {(): float(set(answers.values()) == {"ok"})})
    alive = report.programs(now).items()
    yield gauge("program_alive", "1 heard lately, 0 silent, none: unknown", ("program",), {
        (name,): float(line.state is State.GOOD) for name, line in alive if line.state is not State.UNKNOWN
    })  # fmt: skip
    signs = now.signs or {}
    ages = {(name,): max((now.at - sign.at).total_seconds(), 0.0) for name, sign in signs.items()}
    yield gauge("sweep_age_seconds", "Since a sweep or a process told that it ran", ("name",), ages)
    took = {(name,): sign.seconds for name, sign in signs.items()}
    yield gauge("sweep_seconds", "How long a sweep took last", ("name",), took)
    yield gauge("queue_length", "Hints that wait", ("queue",), _single(now.queues or {}))
    yield from _of_exchanges(now)
    yield from _of_rows(now)


def _of_exchanges(now: Facts) -> Iterator[Metric]:
    uses = now.budgets[0] if now.budgets else []
    shares = {(use.venue, use.key, use.unit, str(use.seconds)): use.share for use in uses}
    yield gauge("rate_limit_used", "Share of a request budget", ("venue", "key", "unit", "seconds"), shares)
    ages = {
        (one.venue, one.kind): max((now.at - one.youngest).total_seconds(), 0.0)
        for one in now.feeds or []
        if one.youngest
    }
    yield gauge("feed_age_seconds", "Since the youngest price", ("venue", "kind"), ages)
    names = {one.pk: one.name for one in now.accounts or []}
    watches = {names[pk]: one for pk, one in (now.watches or {}).items() if pk in names}
    yield gauge("reconcile_age_seconds", "Since an account was compared with its exchange", ("account",), {
        (name,): (now.at - one.reconciled_at).total_seconds() for name, one in watches.items() if one.reconciled_at
    })  # fmt: skip
    yield gauge(
        "differences",
        "Found and not settled",
        ("account",),
        {(n,): w.differences_open for n, w in watches.items()},
    )
    yield gauge("clock_offset_seconds", "Ours against the exchange's", ("account",), {
        (name,): one.clock_offset_ms / 1000 for name, one in watches.items() if one.clock_offset_ms is not None
    })  # fmt: skip
    latencies = {(names[pk],): one.median for pk, one in (now.latencies or {}).items() if pk in names}
    yield gauge("order_answer_seconds", "Median answer to an order, ten minutes", ("account",), latencies)


def _of_rows(now: Facts) -> Iterator[Metric]:
    held = {} if now.protection is None else {(): float(now.protection.unprotected)}
    yield gauge("positions_unprotected", "Live positions without a whole stop, but for handed over", (), held)
    persons = {} if now.protection is None else {(): float(now.protection.handed_over)}
    yield gauge("positions_handed_over", "Live positions that a person looks after", (), persons)
    checks = {(one["name"],): float(one["is_true"]) for one in now.checks or [] if one["is_true"] is not None}
    yield gauge("sentence_true", "What must always be true; none: unknown", ("sentence",), checks)
    if now.notices is not None:
        yield gauge("notifications_waiting", "Messages that wait", (), {(): now.notices.waiting})
        yield gauge("notify_targets_dead", "Targets that take nothing", (), {(): now.notices.dead})
    stream = now.signal_stream or {}
    ages = [stream.get(f"oldest_{what}_seconds") for what in ("pending", "unread")]
    oldest = (
        {} if "length" not in stream else {(): max((age for age in ages if age is not None), default=0.0)}
    )
    yield gauge("signal_stream_wait_seconds", "The oldest entry that is not written", (), oldest)


_registry = CollectorRegistry(auto_describe=False)
_registry.register(Rows())
ProcessCollector(registry=_registry)
PlatformCollector(registry=_registry)
GCCollector(registry=_registry)


def exposition() -> bytes:
    return generate_latest(_registry)
