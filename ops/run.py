"""One run from the first server to the last: start in order, say where to look, wait, report, stop."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from ops.environment import KEPT_FOR_TOOLS, write_env_file
from ops.leftovers import ChildRecord
from ops.plan import Plan
from ops.program import CannotStart
from ops.setting_up import SetUp
from ops.supervisor import GaveUp, Supervisor
from ops.terminal import Terminal

SETTLE_SECONDS = 5  # after the last signal, so that what it began may end
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


Result = TypeVar("Result")


class Stopped(Exception):
    """Somebody asked us to end."""


class Run:
    def __init__(self, set_up: SetUp, terminal: Terminal) -> None:
        self.set_up = set_up
        self.plan: Plan = set_up.plan
        self.terminal = terminal
        self.admin: dict[str, str] = {}

    async def serve(self) -> int:
        self.supervisor = Supervisor(self.terminal, ChildRecord(self.plan.data.children))
        self.asked_to_stop = asyncio.Event()
        self._listen_for_signals()
        try:
            return await self._live()
        except (CannotStart, GaveUp) as error:
            self.terminal.note(str(error), "bold red")
            return 1
        finally:
            self.terminal.note("stopping")
            await self.supervisor.stop_all()
            self.plan.data.run_env.unlink(missing_ok=True)

    async def _live(self) -> int:
        try:
            await self._unless_stopped(self._start())
        except Stopped:
            return 0
        try:
            await self._unless_stopped(self._wait())
        except Stopped:
            self.asked_to_stop.clear()  # a second request ends the report as well
        try:
            return await self._unless_stopped(self._report())
        except Stopped:
            return 1

    async def _start(self) -> None:
        for name in await asyncio.to_thread(self.supervisor.record.end_leftovers):
            self.terminal.note(f"{name} of an earlier run was still there and is ended", "yellow")
        for server in self.set_up.servers:
            await self.supervisor.start(server)
        write_env_file(
            self.plan.data.run_env,
            {name: self.set_up.env[name] for name in KEPT_FOR_TOOLS if name in self.set_up.env},
        )
        if self.set_up.paper:
            await self.supervisor.start(self.set_up.paper)
        await self._first_start()
        await asyncio.gather(*map(self.supervisor.start, self.set_up.programs()))
        if self.plan.has_web:
            self._say_where_to_look()
        if self.plan.sends_demo_signals:
            await self.supervisor.start(self.set_up.demo_signals())

    async def _first_start(self) -> None:
        if self.plan.mode in ("paper", "signals"):
            return
        for line in await self._step("migrate", "--noinput", "--verbosity", "0"):
            self.terminal.note(line, "yellow")
        on_paper = ["--demo"] * self.plan.has_demo + ["--link"] * self.plan.has_web
        lines = await self._step("first_start", "--json", *([] if self.plan.is_live else on_paper))
        self.admin = json.loads(lines[-1]) if lines else {}
        if self.plan.report:
            self.plan.report.parent.mkdir(parents=True, exist_ok=True)
            await self._step("dry_run_report", "--write-baseline", self._baseline)

    async def _wait(self) -> None:
        if self.plan.duration is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(self.plan.duration)
            self.terminal.note(f"{self.plan.duration:g} s are over")

    async def _report(self) -> int:
        if not self.plan.report:
            return 0
        await self.supervisor.stop("signals")
        await asyncio.sleep(min(SETTLE_SECONDS, self.plan.duration or SETTLE_SECONDS))
        command = ["dry_run_report", "--file", str(self.plan.report), "--baseline", self._baseline]
        status, lines = await self.supervisor.run_once(self.set_up.children.step(*command))
        for line in lines:
            self.terminal.line("report", line)
        return min(abs(status), 1)

    async def _step(self, *command: str) -> list[str]:
        status, lines = await self.supervisor.run_once(self.set_up.children.step(*command))
        if status:
            words = "\n".join(lines[-15:]).removeprefix("CommandError: ").removeprefix("NotOpen: ")
            raise CannotStart(words or f"{command[0]} ended with status {status}.")
        return lines

    async def _unless_stopped(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The work's result, unless a stop is asked for or a program cannot be kept alive."""
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self.asked_to_stop.wait())
        gave_up = self.supervisor.gave_up
        await asyncio.wait({task, stop, gave_up}, return_when=asyncio.FIRST_COMPLETED)
        for unfinished in (task, stop):
            if not unfinished.done():
                unfinished.cancel()
                await asyncio.wait({unfinished})
        if not task.cancelled():
            return task.result()
        if gave_up.done():
            gave_up.result()
        raise Stopped

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for wanted in STOP_SIGNALS:
            loop.add_signal_handler(wanted, self.asked_to_stop.set)

    @property
    def _baseline(self) -> str:
        assert self.plan.report  # noqa: S101
        return str(self.plan.report.with_suffix(".baseline.json"))

    def _say_where_to_look(self) -> None:
        url = self.set_up.web_url
        lines = [f"Live page  {url}/", f"Admin      {url}/admin/"]
        if self.plan.has_doors:
            lines.append(f"Signals    {self.set_up.env['SIGNALS_URL']}")
        if password := self.admin.get("password"):
            lines.append(f"Sign in    {self.admin['user']} / {password}   (shown only this once)")
        if word := self.admin.get("link"):
            lines.append(f"Or once    {url}/accounts/link/#{word}")
            lines.append(
                f"           (on this machine, as {self.admin['link_of']}, within a quarter of an hour)"
            )
        lines += [f"Logs       {self.plan.data.logs}", "Stop       Ctrl-C"]
        mode = "LIVE: real orders" if self.plan.is_live else "PAPER: no real orders"
        self.terminal.box("\n".join(lines), mode)
