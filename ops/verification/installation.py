"""Which installation is meant, decided before Django reads its settings: a running one left its environment in its data
folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dotenv import dotenv_values

from ops.data_folder import DataFolder

OPTION = "--data"


def choose(arguments: Sequence[str]) -> None:
    """`--data DIR`: what DIR/run.env says comes before everything else, for it was asked for by name."""
    folder = _named(arguments)
    if folder is None:
        return
    file = DataFolder(folder).run_env
    if not file.exists():
        raise SystemExit(
            f"No installation runs in {folder}: there is no {file}. Start it, or name another folder."
        )
    values = dotenv_values(file, interpolate=False)
    os.environ.update({name: value for name, value in values.items() if value is not None})


def _named(arguments: Sequence[str]) -> Path | None:
    for word, value in zip(arguments, [*arguments, ""][1:], strict=True):
        if word == OPTION and value:
            return Path(value)
        if word.startswith(f"{OPTION}="):
            return Path(word.partition("=")[2])
    return None
