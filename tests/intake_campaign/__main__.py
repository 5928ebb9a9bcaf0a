"""python -m tests.intake_campaign --signals 100000: every door, and kills and restarts meanwhile."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import django
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.intake_campaign.product import Product

KEPT = Path("var/intake")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=400, help="that the senders take at least")
    parser.add_argument("--calm", action="store_true", help="without any trouble")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tb-intake-") as folder:
        status = _run(Product(Path(folder)), options, Console(emoji=False))
        if status:
            shutil.rmtree(KEPT, ignore_errors=True)
            shutil.copytree(folder, KEPT, ignore=shutil.ignore_patterns("*.sock", "postgres", "redis"))
    return status


def _run(product: Product, options: argparse.Namespace, console: Console) -> int:
    with product.running(), _progress(console) as progress:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tradingbot.settings"
        django.setup()
        from tests.intake_campaign.story import tell

        bar = progress.add_task("signals", total=None)
        told = partial(progress.advance, bar)
        story = tell(product, options.seed, options.signals, options.seconds, told, options.calm)
    for counts in (story.counts, story.findings.verdicts):
        console.print(_counted(counts))
    console.print(_ledger(story.findings.counts))
    for sentence in story.findings.violations:
        console.print(f"[red]{sentence}", highlight=False)
    total = sum(one.rows for one in story.findings.counts)
    found = len(story.findings.violations)
    console.print(f"seed {options.seed}: {total} messages told in {story.seconds:.0f} s, {found} violations")
    return 1 if found else 0


def _progress(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console)


def _counted(counts: dict[str, int]) -> Table:
    table = Table("what happened", "times")
    for what, times in sorted(counts.items()):
        table.add_row(what, str(times))
    return table


def _ledger(counts: list) -> Table:  # type: ignore[type-arg]
    table = Table("source", "sent", "arrived", "new", "duplicate", "ignored", "sum", "closes")
    for one in counts:
        arrived = str(one.least) if one.least == one.most else f"{one.least} to {one.most}"
        figures = one.sent, arrived, one.new, one.duplicate, one.ignored, one.rows
        table.add_row(one.source, *map(str, figures), "yes" if one.closes else "NO")
    return table


if __name__ == "__main__":
    sys.exit(main())
