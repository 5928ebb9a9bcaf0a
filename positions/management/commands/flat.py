from __future__ import annotations

import math
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from exchanges.models import FlatRun
from exchanges.trading_state import FlatOutcome
from positions.flat_page import lines_of, report_rows
from positions.management.switch_command import SwitchCommand, account_id_of, end, wait_until
from positions.services import canary, flat_proof, flattening, halting, insisting, lookups, orders


class Command(SwitchCommand):
    help = (
        "Close and cancel everything, and prove it by the exchange's own listing. Exit status 0 only when "
        "every account asked for is proven flat. With --wait it also works where no worker runs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--wait", type=float, nargs="?", const=math.inf, default=0.0, metavar="SECONDS",
            help="show the progress until it is over, or for so long",
        )  # fmt: skip
        parser.add_argument(
            "--include-foreign", action="store_true",
            help="also close positions and cancel orders that nobody here opened or placed",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        run = flattening.flatten(
            account_id_of(options),
            options["reason"],
            options["by"],
            include_foreign=options["include_foreign"],
        )
        if options["wait"]:
            _follow(run, options["wait"], quiet=options["json"])
        reports = report_rows(run)
        if options["json"]:
            self.tell(reports, as_json=True)
        else:
            self._tell_in_words(run, reports)
        end(well=all(one["outcome"] == FlatOutcome.FLAT for one in reports))

    def _tell_in_words(self, run: FlatRun, reports: list[dict[str, Any]]) -> None:
        columns = ("account", "outcome", "positions", "orders", "asked_at", "error")
        shown = [{name: one[name] for name in columns} for one in reports]
        self.tell(shown, as_json=False, title=f"FLAT {run.pk}: /flat/{run.pk}/")
        if left := [line for one in reports for line in lines_of(one)]:
            self.tell(left, as_json=False, title="Still there")


def _follow(run: FlatRun, seconds: float, *, quiet: bool) -> None:
    words = TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*words, console=Console(stderr=True, quiet=quiet), transient=True) as progress:
        bars = {one["account"]: progress.add_task(one["account"], total=None) for one in report_rows(run)}

        def step() -> None:
            work()
            _show(progress, bars, run)

        wait_until(lambda: FlatRun.objects.filter(pk=run.pk, ended_at__isnull=False).exists(), seconds, step)


def _show(progress: Progress, bars: dict[str, TaskID], run: FlatRun) -> None:
    for one in report_rows(run):
        seen = progress.tasks[bars[one["account"]]].total or 0
        left = len(one["left"])
        told = f"{one['account']}: {one['error'] or one['outcome']}"
        progress.update(
            bars[one["account"]], description=told, total=max(seen, left), completed=max(seen, left) - left
        )


def work() -> None:
    """What the sweeps do: each step is safe beside them, and the switch works where none of them runs."""
    now = timezone.now()
    halting.call_off_entries(None)
    flattening.close_due()
    insisting.close_again(now)
    orders.submit_due(now)
    lookups.resolve_unknown(now)
    canary.clean_up()
    flat_proof.prove_due(now)
