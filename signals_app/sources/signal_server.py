"""The signal server as a source: its client, its waves, and the row by which others know how the link is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Event

from signals_app.registry import Registry
from signals_app.services.server_links import report_link
from signals_app.sources import configured
from signals_app.sources.server_client import LinkStatus, ServerAddress, ServerClient
from signals_app.sources.steady_watch import SteadyWatch
from signals_app.sources.wave_watch import Timetable, WaveWatch
from tradingbot.signal_server_environment import SignalServerEnvironment

PAUSE_SECONDS = 0.5
REPORT_SECONDS = 5.0

Steps = dict[str, Callable[[], object]]
Tables = Callable[[], Registry]


def steps(given: SignalServerEnvironment, stop: Event, registry: Tables) -> Steps:
    """What is done again and again, each in a thread of its own. Nothing where no server is configured."""
    address = configured.address(given)
    if address is None:
        return {}
    client = ServerClient(address, configured.patience(given))
    watch = _watch(client, given, registry)
    return {
        "signal-server": partial(client.run, stop),
        "signal-server-link": partial(_report, client, address, stop),
        "signal-server-signals": partial(_watch_on, watch, stop, given.wave_check_interval_seconds),
    }


def _watch(client: ServerClient, given: SignalServerEnvironment, registry: Tables) -> WaveWatch | SteadyWatch:
    if not given.signal_ws_waves:
        return SteadyWatch(client, configured.symbol_rules(given), registry)
    duration = timedelta(seconds=given.wave_check_duration_seconds)
    table = Timetable(tuple(given.wave_check_minutes), duration, given.wave_check_interval_seconds)
    return WaveWatch(client, table, configured.wave_rules(given), registry)


def _watch_on(watch: WaveWatch | SteadyWatch, stop: Event, pause: float) -> None:
    watch.step(stop)
    stop.wait(pause)


def _report(client: ServerClient, address: ServerAddress, stop: Event) -> None:
    """Whenever something changed, and now and then so that an old row can be told from a quiet link."""
    told, told_at = LinkStatus(), 0.0
    while not stop.is_set():
        status, now = client.status, time.monotonic()
        if _differ(status, told) or now - told_at >= REPORT_SECONDS:
            report_link(address.name, status)
            told, told_at = status, now
        stop.wait(PAUSE_SECONDS)
    report_link(address.name, LinkStatus())


def _differ(one: LinkStatus, other: LinkStatus) -> bool:
    return (one.state, one.failures, one.refused_at) != (other.state, other.failures, other.refused_at)
