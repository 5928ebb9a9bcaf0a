"""Sums over worlds, as tables for people and as JSON for sums of sums."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from tests.campaign.answers import FAULTS

ORDER_CALLS = ("entry", "close", "protect", "cancel")
FEWEST_HITS = 30
TAIL = 30  # lines shown of a world with violations; its file has them all
JUDGED_FROM = 600  # fewer worlds cannot reach every cell
SHOWN = 5


class Report:
    def __init__(self, seeds: range, venue: str = "binance", mode: str = "hedge", control: str = "") -> None:
        self._seeds, self._venue, self._mode, self._control = seeds, venue, mode, control
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._bad: list[dict[str, Any]] = []
        self._told = 0
        self._seconds = 0.0
        self._began = time.monotonic()
        self._console = Console(width=None if Console().is_terminal else 140)
        self._progress: Progress | None = None

    @contextmanager
    def progress(self) -> Iterator[None]:
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        words = TextColumn("{task.fields[bad]} with violations")
        with Progress(*columns, words, console=self._console) as self._progress:
            self._task = self._progress.add_task("worlds", total=len(self._seeds), bad=0)
            yield

    def add(self, told: dict[str, Any]) -> None:
        self._told += 1
        self._seconds += told["seconds"]
        for group, names in told["counts"].items():
            self._counts[group].update(names)
        if told["violations"]:
            self._bad.append(told)
            self._console.print(f"[red]seed {told['seed']}[/]: {told['violations'][0]}", highlight=False)
        if not self._console.is_terminal and self._told % 50 == 0:
            self._console.print(f"{self._told} of {len(self._seeds)}")
        if self._progress is not None:
            self._progress.update(self._task, advance=1, bad=len(self._bad))

    @property
    def status(self) -> int:
        """A control must be found out; everything else must find nothing."""
        if self._control:
            return 0 if self._bad else 1
        return 1 if self._bad or self._missing() else 0

    def _missing(self) -> list[str]:
        if self._told < JUDGED_FROM:
            return []
        cells = [(kind, call) for kind in FAULTS for call in ORDER_CALLS]
        return [
            f"{kind} x {call}" for kind, call in cells if self._counts[f"fault {kind}"][call] < FEWEST_HITS
        ]

    # for people

    def print(self) -> None:
        self._print_faults()
        for group in ("form", "form answered", "kill", "interleaved", "hint", "message", "world"):
            told = ", ".join(f"{name} {number}" for name, number in sorted(self._counts[group].items()))
            self._console.print(f"{group}: {told}", highlight=False)
        for told in sorted(self._bad, key=lambda told: told["seed"])[:SHOWN]:
            self._print_story(told)
        self._console.print(self._verdict(), highlight=False)

    def _print_faults(self) -> None:
        calls = [*ORDER_CALLS, *sorted(self._counts["call"].keys() - {*ORDER_CALLS})]
        table = Table("fault", *calls, title="what requests met")
        for kind in FAULTS:
            hits = self._counts[f"fault {kind}"]
            table.add_row(kind, *(str(hits[call]) for call in calls))
        table.add_section()
        table.add_row("all requests", *(str(self._counts["call"][call]) for call in calls))
        self._console.print(table)

    def _print_story(self, told: dict[str, Any]) -> None:
        self._console.rule(f"seed {told['seed']}")
        for sentence in told["violations"]:
            self._console.print(sentence, style="red", highlight=False, markup=False)
        for line in told["lines"][-TAIL:]:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _verdict(self) -> str:
        minutes = (time.monotonic() - self._began) / 60
        head = f"{self._told} worlds in {minutes:.1f} min ({self._seconds / max(self._told, 1):.1f} s each)"
        if self._control:
            seeds = [told["seed"] for told in self._bad]
            return f"{head}: control {self._control} " + (
                f"found at seed {min(seeds)}" if seeds else "NOT FOUND"
            )
        coverage = f"too few to judge coverage (from {JUDGED_FROM})"
        if self._told >= JUDGED_FROM:
            missing = self._missing()
            coverage = (
                f"fewer than {FEWEST_HITS} hits: {', '.join(missing)}" if missing else "every cell covered"
            )
        seeds = sorted(told["seed"] for told in self._bad)
        return f"{head}; {len(seeds)} with violations {seeds or ''}; {coverage}"

    # for sums

    @property
    def _worlds(self) -> str:
        names = [self._venue] if self._venue != "binance" else []
        names += [self._mode] if self._mode != "hedge" else []
        return "-".join([*names, "worlds"])

    def load(self, folder: Path) -> None:
        """What runs over ranges have left there; a world that two of them told would count twice."""
        told: set[int] = set()
        for path in sorted(folder.glob(f"{self._worlds}-*.json")):
            facts = json.loads(path.read_text())
            first, last = facts["seeds"]
            if twice := told.intersection(range(first, last + 1)):
                raise SystemExit(f"{path} tells world {min(twice)} and another file too: remove one of them")
            told.update(range(first, last + 1))
            self._told += facts["worlds"]
            self._seconds += facts["seconds"]
            for group, names in facts["counts"].items():
                self._counts[group].update(names)
            for seed, sentences in facts["violations"].items():
                self._bad.append({"seed": int(seed), "violations": sentences, "lines": []})

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._control or self._worlds}-{self._seeds[0]}-{self._seeds[-1]}.json"
        facts = {
            "seeds": [self._seeds[0], self._seeds[-1]],
            "worlds": self._told,
            "seconds": self._seconds,
            "control": self._control,
            "counts": self._counts,
            "violations": {told["seed"]: told["violations"] for told in self._bad},
        }
        (folder / name).write_text(json.dumps(facts, indent=1, sort_keys=True))
        for told in self._bad:
            (folder / f"{self._worlds}-seed-{told['seed']}.txt").write_text("\n".join(told["lines"]))
