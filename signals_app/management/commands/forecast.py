"""manage.py forecast: trains models, tells of them, and says which one is asked."""

from __future__ import annotations

import json
import os
import platform
import time
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from exchanges.models import ExchangeAccount
from exchanges.types import Timeframe
from ops.console import Row, be_sure, refuse_usage, tell
from signals_app.forecast_models import ForecastFeed, ForecastModel
from signals_app.forecasts.card_text import as_markdown, score_rows
from signals_app.forecasts.reliability_picture import picture
from signals_app.forecasts.services.models import keep_model, put_in_use, take_out_of_use
from signals_app.forecasts.store_state import kept_for
from signals_app.forecasts.terms import HORIZONS

if TYPE_CHECKING:
    from signals_app.forecasts.training import Trained, Wishes
    from signals_app.forecasts.training_data import Source

EXTRA = (
    "Forecasts need libraries that are not installed (%s is missing): install the extra `ml` of this project."
)
DAYS, FOLDS = 180, 5
WORTHLESS = "WORTHLESS"


class Command(BaseCommand):
    help = "Look at the candles that are kept, train a model, see what is known of it, and say which one is asked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        _add_training(steps.add_parser("train", help="learn from candles, judge it, keep it"))
        stored = steps.add_parser("candles", help="what is kept of each contract, and what is missing")
        listed = steps.add_parser("models", help="all that are kept, newest first")
        shown = steps.add_parser("show", help="what is known of one")
        used = steps.add_parser("use", help="this one is asked from now on, whatever its verdict")
        retired = steps.add_parser("retire", help="it is asked no more; simple rules answer")
        for one in (shown, used, retired):
            one.add_argument("number", type=int, metavar="N", help="as `models` shows it")
        shown.add_argument("--markdown", action="store_true", help="its card as a page")
        shown.add_argument(
            "--picture", type=Path, metavar="FILE", help="write its calibration as a picture (SVG)"
        )
        used.add_argument("--yes", metavar=WORTHLESS, default="", help="for one that is not worth using")
        for one in (stored, listed, shown, used, retired):
            one.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['step']}")(options)
        except ModuleNotFoundError as error:
            raise CommandError(EXTRA % error.name) from None

    def _train(self, options: dict[str, Any]) -> None:
        from signals_app.forecasts.card import Circumstances
        from signals_app.forecasts.training import TooLittle
        from signals_app.forecasts.training_data import NoCandles

        timeframe = Timeframe(options["timeframe"])
        of_paper = _is_of_paper(options)
        began = time.monotonic()
        try:
            source = _source(options, timeframe, of_paper)
            trained = _trained(source, _wishes(options, timeframe))
        except (NoCandles, TooLittle) as error:
            raise CommandError(f"Nothing was trained: {error}.") from None
        told = Circumstances(source.words, round(time.monotonic() - began, 1), _machine())
        row = keep_model(trained, source.bars, timeframe, of_paper, timezone.now(), told)
        self._tell(row, options["json"])

    def _candles(self, options: dict[str, Any]) -> None:
        feeds = ForecastFeed.objects.select_related("account").order_by("account__name")
        kept = [one for feed in feeds for one in kept_for(feed, bool(settings.DRY_RUN), timezone.now())]
        tell(self.stdout, [asdict(one) for one in kept], as_json=options["json"])

    def _models(self, options: dict[str, Any]) -> None:
        known = ForecastModel.objects.defer("content", "reference")
        tell(self.stdout, [_row(one) for one in known], as_json=options["json"])

    def _show(self, options: dict[str, Any]) -> None:
        row = _model(options["number"])
        if options["picture"]:
            options["picture"].write_text(picture(row.card))
        if options["markdown"]:
            self.stdout.write(as_markdown(row.card, row.verdict))
        else:
            self._tell(row, options["json"])

    def _use(self, options: dict[str, Any]) -> None:
        from signals_app.forecasts.forest import Unreadable

        row = _model(options["number"])
        if not row.is_worth_using and options["yes"] != WORTHLESS:
            be_sure(WORTHLESS, f"{row.verdict} Its forecasts may become signals.", flag="--yes")
        try:
            put_in_use(row, timezone.now())
        except Unreadable as error:
            raise CommandError(f"Nothing was changed: {error}.") from None
        tell(self.stdout, [_row(row)], as_json=options["json"])

    def _retire(self, options: dict[str, Any]) -> None:
        row = _model(options["number"])
        if not take_out_of_use(row, timezone.now()):
            raise CommandError(f"Nothing was changed: model {row.pk} is not in use.")
        tell(self.stdout, [_row(row)], as_json=options["json"])

    def _tell(self, row: ForecastModel, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_row(row) | {"card": row.card}, default=str, indent=2))
            return
        tell(self.stdout, score_rows(row.card), as_json=False, title=f"Model {row.pk}, {row.state}")
        self.stdout.write(row.verdict)


def _add_training(parser: ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--account", metavar="NAME", help="candles that are stored for this account")
    source.add_argument("--files", nargs="+", metavar="PLACE", help="files of candles, folders or patterns")
    parser.add_argument(
        "--for",
        choices=("paper", "real"),
        dest="use_for",
        help="with --files: which candles it will forecast; else those of now, by DRY_RUN",
    )
    parser.add_argument("--timeframe", choices=[one.value for one in Timeframe], default=Timeframe.QUARTER)
    parser.add_argument("--days", type=int, default=DAYS, help=f"of stored candles, the newest ({DAYS})")
    parser.add_argument(
        "--folds", type=int, default=FOLDS, help=f"parts that are judged one after the other ({FOLDS})"
    )
    parser.add_argument("--horizons", help=f"of {','.join(HORIZONS)}; all that are as long as a candle")
    parser.add_argument("--effort", choices=("quick", "usual"), default="usual")
    parser.add_argument("--json", action="store_true", help="for programs")


def _is_of_paper(options: dict[str, Any]) -> bool:
    if options["use_for"] and options["account"]:
        refuse_usage("Stored candles are of paper or real already: --for is for files.")
    return bool(settings.DRY_RUN) if options["use_for"] is None else options["use_for"] == "paper"


def _source(options: dict[str, Any], timeframe: Timeframe, of_paper: bool) -> Source:
    from signals_app.forecasts.training_data import of_files, stored

    if options["files"]:
        return of_files(options["files"], timeframe)
    account = ExchangeAccount.objects.filter(name=options["account"]).first()
    if account is None:
        refuse_usage(f"There is no account {options['account']}.")
    return stored(account, timeframe, of_paper, options["days"])


def _wishes(options: dict[str, Any], timeframe: Timeframe) -> Wishes:
    from signals_app.forecasts.boosting import QUICK, Effort
    from signals_app.forecasts.training import Wishes

    least = timeframe.length.total_seconds() / 60
    possible = [name for name, minutes in HORIZONS.items() if minutes >= least]
    wanted = options["horizons"].split(",") if options["horizons"] else possible
    if strange := set(wanted) - set(possible):
        refuse_usage(f"{', '.join(sorted(strange))}: horizons of {timeframe} are {', '.join(possible)}.")
    if options["folds"] < 1:
        refuse_usage("At least one part has to be judged.")
    ordered = tuple(name for name in possible if name in wanted)
    return Wishes(ordered, options["folds"], QUICK if options["effort"] == "quick" else Effort())


def _trained(source: Source, wishes: Wishes) -> Trained:
    """No session of the database waits for it."""
    from signals_app.forecasts.training import train

    if not connection.in_atomic_block:
        connection.close()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=None)
        return train(
            source.bars,
            wishes,
            lambda name, done, of: progress.update(task, description=name, completed=done, total=of),
        )


def _machine() -> str:
    load, _, _ = os.getloadavg()
    return f"{platform.machine()}, {os.cpu_count()} cores, one of them used, load {load:.1f}"


def _model(number: int) -> ForecastModel:
    found = ForecastModel.objects.defer("content", "reference").filter(pk=number).first()
    if found is None:
        refuse_usage(f"There is no model {number}.")
    return found


def _row(one: ForecastModel) -> Row:
    return {
        "model": one.pk,
        "state": one.state,
        "worth_using": one.is_worth_using,
        "candles": f"{'paper' if one.of_paper else 'real'} {one.timeframe}",
        "trained_at": f"{one.trained_at:%Y-%m-%d %H:%M}",
        "trained_until": f"{one.trained_until:%Y-%m-%d %H:%M}",
        "verdict": one.verdict,
    }
