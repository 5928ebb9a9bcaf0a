"""`manage.py up`, outside Django: the settings are read only once the servers are known."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from ops.plan import Plan, read_plan
from ops.program import CannotStart
from ops.run import Run
from ops.setting_up import set_up
from ops.terminal import Terminal


def main(arguments: Sequence[str]) -> int:
    try:
        return run_plan(read_plan(arguments))
    except CannotStart as refusal:
        print(refusal, file=sys.stderr)
        return 1


def run_plan(plan: Plan) -> int:
    with plan.data.held():
        if plan.is_fresh:
            plan.data.forget_all()
        prepared = set_up(plan)
        terminal = Terminal(plan.data.logs)
        try:
            return asyncio.run(Run(prepared, terminal).serve())
        finally:
            terminal.close()
