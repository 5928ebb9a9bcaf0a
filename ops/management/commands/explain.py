from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ops.trail.queries import KINDS, NotFound, story_of
from ops.trail.story import written


class Command(BaseCommand):
    help = "Tell what happened, and why, in the order of time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=sorted(KINDS))
        parser.add_argument(
            "key",
            help="position: its number; order: client order id, UUID or the exchange's id; "
            "fill: trade id, or pk=NUMBER; signal: number in the log, or uid",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            story = story_of(options["kind"], options["key"])
        except NotFound as nothing:
            raise CommandError(str(nothing)) from None
        for line in written(story.title, story.sentences):
            self.stdout.write(line)
