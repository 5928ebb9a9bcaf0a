"""python -m tests.campaign.process_recovery: seconds from a kill of everything to all positions proven protected."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.campaign.process_ground import ground

LIMIT_SECONDS = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--positions", type=int, default=100)
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="tb-recovery-") as folder, ground():
        return _run(Path(folder), options.positions, console)


def _run(folder: Path, positions: int, console: Console) -> int:
    from tests.integration.recovery import recover
    from tests.integration.stack import Stack

    stack = Stack(folder)
    with (
        console.status(f"opening {positions} positions, killing everything, starting again"),
        stack.running(),
    ):
        stack.beat.start()
        try:
            found = recover(stack, positions)
        finally:
            stack.beat.stop()
    console.print(
        f"{found.positions} positions, all proven protected {found.seconds:.1f} s after the start of the processes, "
        f"which were awake after {found.awake:.1f} s (load average {os.getloadavg()[0]:.1f})"
    )
    return 0 if found.seconds <= LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
