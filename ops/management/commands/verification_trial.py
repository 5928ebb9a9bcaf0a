from __future__ import annotations

import json
import logging
import sys
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

TRIALS = ("protection", "limits", "speed", "forecasts")


class Command(BaseCommand):
    help = "A part of `verify`: try something in the database that verify made for it. Of no use by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=TRIALS)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DRY_RUN is not True or not str(connection.settings_dict["NAME"]).endswith(
            "_verification"
        ):
            raise CommandError(
                "Trials make rows, so they are for the database that `verify` makes; nothing was done."
            )
        logging.disable(logging.WARNING)  # what is tried is no news
        trial = import_module(f"ops.verification.services.{options['name']}_trial")
        sys.stdout.write(json.dumps(trial.run()) + "\n")
