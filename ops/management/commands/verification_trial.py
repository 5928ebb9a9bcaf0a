from __future__ import annotations

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

TRIALS = ("protection", "limits", "speed")


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
        from ops.verification.services import limits_trial, protection_trial, speed_trial

        run = {"protection": protection_trial.run, "limits": limits_trial.run, "speed": speed_trial.run}
        sys.stdout.write(json.dumps(run[options["name"]]()) + "\n")
