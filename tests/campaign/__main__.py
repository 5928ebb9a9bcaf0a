"""`python -m tests.campaign --seeds 1000`: worlds by seed, what happened in them, and what must never have happened."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from exchanges.paper.venue_rules import BINANCE, VENUES
from exchanges.types import PositionMode
from tests.campaign.report import Report
from tests.campaign.servers import servers
from tests.campaign.workers import tell_all

CONTROLS = ("no-lookup", "no-claim", "no-trade-id", "no-form-number", "no-leave-to-loosen")


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are stopped on the way out
    wanted = _arguments()
    if wanted.seed is not None:
        return _one(wanted.seed, wanted.venue, wanted.mode, wanted.control)
    report = Report(wanted.seeds, wanted.venue, wanted.mode, wanted.control)
    if wanted.sum:
        report.load(wanted.out)
        report.print()
        return report.status
    with servers(), report.progress():
        chosen = {"venue": wanted.venue, "mode": wanted.mode, "control": wanted.control}
        for told in tell_all(wanted.seeds, wanted.workers, **chosen):
            report.add(told)
            if wanted.control and told["violations"]:
                break
    report.print()
    report.save(wanted.out)
    return report.status


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.campaign", description=__doc__)
    parser.add_argument(
        "--seeds", type=_range, default=range(1, 101), help="a number, or a range such as 200-399"
    )
    parser.add_argument("--seed", type=int, help="tell one world with all its events")
    parser.add_argument(
        "--control", choices=CONTROLS, default="", help="break the product on purpose; must be found"
    )
    parser.add_argument("--venue", choices=tuple(VENUES), default=BINANCE.name)
    parser.add_argument("--mode", choices=tuple(PositionMode), default=PositionMode.HEDGE.value)
    parser.add_argument("--sum", action="store_true", help="add up what runs over ranges have left in --out")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("var/faults"))
    return parser.parse_args()


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    return range(int(first), int(last) + 1) if dash else range(1, int(first) + 1)


def _one(seed: int, venue: str, mode: str, control: str) -> int:
    with servers():
        (told,) = tell_all([seed], 1, venue=venue, mode=mode, control=control, whole=True)
    for line in told["lines"]:
        print(line)
    print(
        f"\nseed {seed}: digest {told['digest']}, {told['seconds']:.1f} s, {len(told['violations'])} violations"
    )
    for sentence in told["violations"]:
        print(f"  {sentence}")
    return 1 if told["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
