from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from exchanges.errors import ExchangeError
from exchanges.models import ExchangeAccount
from positions.services import position_modes
from positions.services.position_modes import CannotSwitch


class Command(BaseCommand):
    help = "Compare an account's position mode with the exchange's; exit status 1 when they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the account's name")
        parser.add_argument(
            "--set", action="store_true", help="set the account's mode at the exchange, while nothing is open"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        account = ExchangeAccount.objects.filter(name=options["name"]).first()
        if account is None:
            raise CommandError(f"There is no account {options['name']!r}.")
        act = self._set if options["set"] else position_modes.compare
        try:
            self.stdout.write(act(account))
        except CannotSwitch as refused:
            raise CommandError(str(refused)) from None
        except ExchangeError as error:
            raise CommandError(f"The exchange did not answer: {error.sentence}") from None

    def _set(self, account: ExchangeAccount) -> str:
        return position_modes.switch(account, getpass.getuser())
