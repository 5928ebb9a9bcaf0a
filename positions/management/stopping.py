"""Halt and reduce differ in one word."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from exchanges.trading_state import STRICTNESS, TradingState
from positions.lifecycle import OrderStatus
from positions.management.switch_command import SwitchCommand, account_id_of, end, followed, row_of
from positions.services import halting

FOLLOWED_SECONDS = 20.0


class StoppingCommand(SwitchCommand):
    wanted: TradingState

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--wait", type=float, default=FOLLOWED_SECONDS, metavar="SECONDS",
            help="how long to ask what became of entries that were on the wire (20)",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        stop = halting.halt if self.wanted is TradingState.HALTED else halting.reduce
        answer = stop(account_id_of(options), options["reason"], options["by"])
        known = followed(answer.in_flight, options["wait"])
        row = row_of(answer)
        if options["json"]:
            self.tell([row | {"on_the_wire": known}], as_json=True)
        else:
            self.tell([row], as_json=False)
            if known:
                self.tell(known, as_json=False, title="On the wire before; what they opened is protected")
        is_so = STRICTNESS.index(answer.state) >= STRICTNESS.index(self.wanted)
        end(well=is_so and all(one["became"] != OrderStatus.SUBMITTED for one in known))
