"""What the processes of a running installation hold in memory."""

from __future__ import annotations

from contextlib import suppress

import psutil  # type: ignore[import-untyped]

from ops.data_folder import DataFolder
from ops.leftovers import ChildRecord
from ops.verification.verdicts import CannotAsk

MEGABYTE = 1024 * 1024


def held_mb(data: DataFolder) -> dict[str, float]:
    """By program. RSS; of one with several processes, what they share is counted once (PSS)."""
    programs = ChildRecord(data.children).alive()
    if not programs:
        raise CannotAsk(
            f"no process of an installation in {data.path} runs: start it, or name its folder (--data)"
        )
    held = {name: _of_tree(process) for name, process in programs.items()}
    return {name: round(size / MEGABYTE, 1) for name, size in (held | {"up": _of_supervisor(data)}).items()}


def _of_supervisor(data: DataFolder) -> int:
    with suppress(psutil.Error, KeyError, ValueError):
        return int(psutil.Process(int(str(data.holder()["pid"]))).memory_info().rss)
    return 0


def _of_tree(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        if children := process.children(recursive=True):
            return sum(map(_share, [process, *children]))
        return int(process.memory_info().rss)
    return 0


def _share(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        told = process.memory_full_info()
        return int(getattr(told, "pss", told.rss))
    return 0  # it ended meanwhile
