"""python -m tests.campaign.processes --seeds 0-49: faults and SIGKILLs against the real processes, seed after seed."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.campaign.process_ground import ground


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=_range, default=range(10), help="a number, or a range such as 20-49")
    parser.add_argument("--venue", choices=("binance", "bybit"), default="binance")
    parser.add_argument("--logs", type=Path, default=Path("var/faults/processes"), help="kept on a violation")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tb-processes-") as folder, ground():
        return _run(Path(folder), options, Console())


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(first))


def _run(folder: Path, options: argparse.Namespace, console: Console) -> int:
    from tests.campaign.process_campaign import campaign

    counts: Counter[str] = Counter()
    violations = 0
    with _progress(console) as progress:
        bar = progress.add_task("seeds", total=len(options.seeds))
        for story in campaign(folder, options.seeds, options.venue):
            counts += story.counts
            progress.advance(bar)
            for sentence in story.violations:
                console.print(f"[red]seed {story.seed}: {sentence}", highlight=False)
            violations += len(story.violations)
            if story.violations:
                _keep(folder, options.logs / f"{options.venue}-seed-{story.seed}")
    console.print(_table(counts))
    console.print(f"{options.venue}: {len(options.seeds)} seeds, {violations} violations")
    return 1 if violations else 0


def _progress(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console)


def _keep(folder: Path, target: Path) -> None:
    shutil.copytree(folder, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock", "redis"))


def _table(counts: Counter[str]) -> Table:
    table = Table("what happened", "times")
    for what, times in sorted(counts.items()):
        table.add_row(what, str(times))
    return table


if __name__ == "__main__":
    sys.exit(main())
