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
    console.print(f"\n{machine()}")
    _print(console, "Signal frame sent → order request at the paper exchange's socket", [
        (result.rate, result.product, result.lost, result.floor) for result in results
    ])  # fmt: skip
    _print(console, "Entry executed, by the exchange's clock → its stop accepted", [
        (result.rate, result.stops, len(result.product) - len(result.stops), result.floor) for result in results
    ])  # fmt: skip
    console.print(
        "Floor: raw WebSocket frame, one durable commit, one Redis stream hop, one raw HTTP request."
    )
    _bars(console, results)


Measured = tuple[float, list[float], int, list[float]]


def _print(console: Console, title: str, rows: list[Measured]) -> None:
    console.print(f"\n[bold]{title}[/bold]")
    table = Table(
        "signals/s", "n", "lost", "median ms", "p99 ms", "floor median", "floor p99", "x median", "x p99"
    )
    for row in rows:
        table.add_row(*_cells(*row))
    console.print(table)


def _cells(rate: float, ours: list[float], lost: int, floor: list[float]) -> list[str]:
    measured, least = (median(ours), p99(ours)), (median(floor), p99(floor))
    ratios = (f"{ours / floor:.1f}" for ours, floor in zip(measured, least, strict=True))
    return [
        f"{rate:g}",
        str(len(ours)),
        str(lost),
        *(f"{value:.2f}" for value in (*measured, *least)),
        *ratios,
    ]


def _bars(console: Console, results: list[Result]) -> None:
    rows = [
        (f"{result.rate:g}/s {name}", value)
        for result in results
        for name, value in (
            ("floor", median(result.floor)),
            ("signal durable and answered", median(result.verdicts)),
            ("signal to order", median(result.product)),
            ("execution to stop", median(result.stops)),
        )
    ]
    longest = max(value for _, value in rows)
    for label, value in rows:
        console.print(f"{label:>34} {'█' * max(round(value / longest * BAR), 1)} {value:.2f} ms")
