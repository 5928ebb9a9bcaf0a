from __future__ import annotations

from typing import Any

from positions.management.switch_command import SwitchCommand, account_id_of, end, row_of
from positions.services.resuming import resume


class Command(SwitchCommand):
    help = "Positions may be opened again. The exchange is asked first, and its answer is shown."
    needs_reason = False

    def handle(self, *args: Any, **options: Any) -> None:
        found = resume(account_id_of(options), options["by"], options["reason"])
        row = row_of(found.answer)
        if options["json"]:
            self.tell([row | {"findings": found.findings}], as_json=True)
        else:
            for sentence in found.findings:
                self.stdout.write(sentence)
            self.tell([row], as_json=False)
        end(well=not found.is_refused)
