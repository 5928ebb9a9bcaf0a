"""Figures with their floor, the machine, and bars to compare at a glance."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from benchmarks.signal_to_order import Result

BAR = 40


def p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


def machine() -> str:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    ) if Path("/proc/cpuinfo").exists() else platform.processor()  # fmt: skip
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}"


def print_report(console: Console, results: list[Result]) -> None:
    console.print("\n[bold]Signal frame sent → order request at the paper exchange's socket[/bold]")
    console.print(machine())
    table = Table(
        "signals/s", "n", "lost", "median ms", "p99 ms", "floor median", "floor p99", "x median", "x p99"
    )
    for result in results:
        table.add_row(*_row(result))
    console.print(table)
    console.print(
        "Floor: raw WebSocket frame, one durable commit, one Redis stream hop, one raw HTTP request."
    )
    _bars(console, results)


def _row(result: Result) -> list[str]:
    ours, floor = (median(result.product), p99(result.product)), (median(result.floor), p99(result.floor))
    return [
        f"{result.rate:g}", str(len(result.product)), str(result.lost),
        *(f"{value:.2f}" for value in (*ours, *floor)), f"{ours[0] / floor[0]:.1f}", f"{ours[1] / floor[1]:.1f}",
    ]  # fmt: skip


def _bars(console: Console, results: list[Result]) -> None:
    rows = [
        (f"{result.rate:g}/s {name}", value)
        for result in results
        for name, value in (
            ("floor", median(result.floor)),
            ("signal durable and answered", median(result.verdicts)),
            ("signal to order", median(result.product)),
        )
    ]
    longest = max(value for _, value in rows)
    for label, value in rows:
        console.print(f"{label:>34} {'█' * max(round(value / longest * BAR), 1)} {value:.2f} ms")
