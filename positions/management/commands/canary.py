"""manage.py canary NAME: try out each kind of order on one account now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from exchanges.models import AccountWatch, ExchangeAccount
from positions.services import canary, stop_refusals
from positions.services.sweeping import turn_of
from tradingbot.alone import alone


class Command(BaseCommand):
    help = "Place each kind of order far from the market on one account, in the smallest size, and cancel it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", help="its name")

    def handle(self, *args: Any, **options: Any) -> None:
        account = ExchangeAccount.objects.filter(name=options["account"]).first()
        if account is None:
            raise CommandError(f"there is no account {options['account']}")
        with alone(turn_of(account.pk, canary.BROKE_OFF)) as is_free:
            if not is_free:
                raise CommandError("the canary is at work; try again in a moment")
            canary.clean_up(account.pk)
            made = canary.run(account.pk)
        if made is None:
            raise CommandError(
                "no contract is free of positions, or its price or the position mode is not known"
            )
        for order in made.orders.order_by("asked_at"):
            self.stdout.write(f"{order.order_type:<22} {order.state:<10} {order.reason}")
        self.stdout.write(f"{made.instrument.exchange_symbol}: {made.verdict}")
        if refusing := AccountWatch.objects.filter(
            account=account, stops_refused_since__isnull=False
        ).first():
            self.stdout.write(_way_back(refusing))


def _way_back(watch: AccountWatch) -> str:
    apart = settings.STOPS_PROVEN_APART.total_seconds()
    proven = f"{watch.stops_taken} of {stop_refusals.NEEDED} proofs that stops are taken again"
    return f"no entries: {proven}; the next one counts {apart:g} s after the last"
