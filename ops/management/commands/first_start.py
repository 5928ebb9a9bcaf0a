"""Administrator and demo data, as JSON for the launcher, which shows the password once."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from exchanges import session
from ops import first_start
from ops.people.services import login_links
from signals_app.models import Ticker


class Command(BaseCommand):
    help = "Create the administrator if there is none and, with --demo, data to play with in dry-run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="also a paper account, strategies and tickers"
        )
        parser.add_argument(
            "--link",
            action="store_true",
            help="also a link that signs the administrator in, once; on paper alone",
        )
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DRY_RUN is not False:
            self._refuse_what_is_held_for_real()
        if options["demo"]:
            self._seed()
        admin = first_start.ensure_administrator()
        if admin is not None:
            first_start.seed_limits()
        if options["json"]:
            made = {"user": admin.name, "password": admin.password} if admin else {}
            self.stdout.write(json.dumps(made | (_link() if options["link"] else {})))
        elif admin:
            self.stdout.write(f"Sign in as {admin.name} / {admin.password} (shown only this once)")

    def _refuse_what_is_held_for_real(self) -> None:
        if names := first_start.held_for_real():
            raise CommandError(
                f"This database has open positions of {', '.join(names)}, confirmed for real orders: on paper they "
                "would be found missing and closed in the books. Start with --live, close them first, or trade on "
                "paper with --data DIR --fresh. Of paper positions: take 'is live confirmed' off the account."
            )

    def _seed(self) -> None:
        if settings.DRY_RUN is False:
            raise CommandError("Demo data is for dry-run; start without --demo, or with DRY_RUN=true.")
        try:
            first_start.seed_demo(os.environ.get("DEMO_SIGNAL_TOKEN", ""))
        finally:
            session.close_all()
        if not Ticker.objects.exists():
            raise CommandError(
                "The paper exchange lists no contracts, so there is nothing to trade; see its log."
            )


def _link() -> dict[str, str]:
    found = None if settings.DRY_RUN is False else login_links.of_the_administrator(timezone.now())
    return {"link_of": found[0], "link": found[1]} if found else {}
