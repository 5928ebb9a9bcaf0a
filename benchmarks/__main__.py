"""`make bench`: what one signal costs on its way to the exchange, beside the least it could cost here."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console

from benchmarks.product import running_product
from benchmarks.report import print_report
from benchmarks.signal_to_order import measure

console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--signals", type=int, default=160, help="measured signals per rate")
    parser.add_argument("--rates", type=float, nargs="+", default=[5.0, 20.0], help="signals per second")
    options = parser.parse_args()
    with running_product(console) as environment:
        results = [
            asyncio.run(measure(environment, rate, options.signals, console)) for rate in options.rates
        ]
    print_report(console, results)


if __name__ == "__main__":
    main()
