from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ops.redaction import redacted_text
from signals_app.sources.dead_letters import DeadLetter, letter, letters, redrive
from signals_app.sources.redis_stream import stream_client

SHOWN = 300
NUMBER = re.compile(r"\d{1,19}-\d{1,19}")


class Command(BaseCommand):
    help = "Show the entries of the signal stream that were given up, or put them back into it."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="all of them, oldest first")
        back = actions.add_parser(
            "redrive", help="put back into the stream; a signal that is known is only a repeat"
        )
        back.add_argument("ids", nargs="*", metavar="ID", help="as `list` shows them")
        back.add_argument("--all", action="store_true", help="every one that is there now")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with closing(stream_client()) as client:
                self._list(client) if options["action"] == "list" else self._redrive(client, options)
        except redis.RedisError as error:
            raise CommandError(f"Redis does not answer ({type(error).__name__}).") from None

    def _list(self, client: redis.Redis) -> None:
        found = list(letters(client))
        for one in found:
            text = redacted_text(json.dumps(dict(one.pairs)))[:SHOWN]
            self.stdout.write(
                f"{one.id}  entry {one.entry_id}, {one.deliveries} deliveries, {one.reason}: {text}"
            )
        self.stdout.write(f"{len(found)} dead letters")

    def _redrive(self, client: redis.Redis, options: dict[str, Any]) -> None:
        if bool(options["ids"]) == options["all"]:
            raise CommandError("Name the dead letters to put back, or --all.")
        chosen = list(letters(client)) if options["all"] else list(_named(client, options["ids"]))
        for one in chosen:
            self.stdout.write(f"{one.id}  is entry {redrive(client, one)} now")
        self.stdout.write(f"{len(chosen)} put back")


def _named(client: redis.Redis, ids: list[str]) -> Iterator[DeadLetter]:
    """All of them must be there before any is put back."""
    for given in ids:
        one = letter(client, given) if NUMBER.fullmatch(given) else None
        if one is None:
            raise CommandError(f"There is no dead letter {given}; nothing was put back.")
        yield one
