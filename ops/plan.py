"""What one `manage.py up` is to do, read from its arguments and the configuration."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.children import MODES
from ops.data_folder import DataFolder
from ops.environment import configured, trades_for_real
from ops.program import CannotStart

SERVERS = ("DATABASE_URL", "REDIS_URL")
LAST_PORT = 65535
BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Plan:
    base: Path
    mode: str
    is_live: bool
    data: DataFolder
    values: Mapping[str, str]
    host: str = "127.0.0.1"
    port: int = 8000
    signals_port: int = 8100
    duration: float | None = None
    report: Path | None = None
    has_demo: bool = True
    tells_first_minute: bool = False
    is_fresh: bool = False

    @property
    def has_web(self) -> bool:
        return self.mode in ("all", "web")

    @property
    def has_doors(self) -> bool:
        return self.mode in ("all", "doors")

    @property
    def sends_demo_signals(self) -> bool:
        return not self.is_live and (self.mode == "signals" or (self.mode == "all" and self.has_demo))


def read_plan(arguments: Sequence[str], base: Path = BASE_DIR) -> Plan:
    options = _parser().parse_args(arguments)
    values = configured(base, options.config)
    if options.fresh:
        values = _without_servers(values)
    is_live = trades_for_real(values, options.live)
    _refuse_nonsense(options, is_live, base)
    return Plan(
        base=base,
        mode=options.mode,
        is_live=is_live,
        data=DataFolder(options.data.resolve() if options.data else base / "var"),
        values=values,
        host=options.host,
        port=options.port,
        signals_port=_signals_port(options),
        duration=options.duration,
        report=options.report.resolve() if options.report else None,
        has_demo=options.demo is not False,
        tells_first_minute=options.demo is True and options.mode == "all",
        is_fresh=options.fresh,
    )


def _signals_port(options: argparse.Namespace) -> int:
    """Beside the page's, so that a second run has others than the first."""
    if options.signals_port is not None:
        return int(options.signals_port)
    beside = options.port + 100 if options.port else 0
    return beside if beside <= LAST_PORT else options.port - 100


def _without_servers(values: Mapping[str, str]) -> dict[str, str]:
    """What --fresh forgets is its own, so what it trades on is too: never a database that others use."""
    return {name: value for name, value in values.items() if name not in SERVERS}


def _refuse_nonsense(options: argparse.Namespace, is_live: bool, base: Path) -> None:
    if is_live and (options.report or options.mode in ("paper", "signals")):
        raise CannotStart("--report and the modes paper and signals belong to dry-run; leave out --live.")
    if options.fresh and (options.data is None or options.data.resolve() == base / "var"):
        raise CannotStart("--fresh forgets all data, so it needs a folder of its own: name one with --data.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="manage.py up",
        description="Start the bot: servers, web page, workers, market data; on paper unless told otherwise.",
    )
    parser.add_argument("--mode", choices=MODES, default="all", help="which part to run (default: all)")
    money = parser.add_mutually_exclusive_group()
    money.add_argument("--dry-run", action="store_true", help="trade on the paper exchange (the default)")
    money.add_argument("--live", action="store_true", help="send real orders; also needs DRY_RUN=false")
    parser.add_argument("--duration", type=_seconds, metavar="SECONDS", help="stop by itself after this long")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write a YAML report; exit status 1 if broken"
    )
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        help="with it a new set of data begins with a minute that shows what the bot does; "
        "with --no-demo there are no demo data and no demo signals",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of the web page (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, help="port of the web page, 0 = any free one")
    parser.add_argument(
        "--signals-port", type=_port, metavar="PORT",
        help="port of the doors for signals, 0 = any free one (default: 100 above the page's)",
    )  # fmt: skip
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="environment file, or YAML with its names"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder for data and logs (default: var/)")
    parser.add_argument(
        "--fresh", action="store_true", help="forget what is in --data first; with servers of its own"
    )
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= LAST_PORT:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("a duration is a positive number of seconds")
    return number
