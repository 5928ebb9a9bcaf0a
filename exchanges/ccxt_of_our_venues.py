"""ccxt with the classes of our venues alone: those of a hundred others would cost each process a second and 60 MB.

While ccxt is imported, their modules are answered for by empty ones; everything else of ccxt is its own."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

OURS = {"binance", "binanceusdm", "bybit"}
OF_A_VENUE = re.compile(r"ccxt\.(?:async_support\.|pro\.)?(\w+)")


class _Others(MetaPathFinder, Loader):
    def __init__(self) -> None:
        spec = find_spec("ccxt")
        if spec is None or spec.origin is None:
            raise ImportError("ccxt is not installed")
        self._venues = {path.stem for path in (Path(spec.origin).parent / "abstract").glob("*.py")} - OURS

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = OF_A_VENUE.fullmatch(fullname)
        return ModuleSpec(fullname, self) if found and found[1] in self._venues else None

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, module.__name__.rpartition(".")[2], None)


@contextmanager
def _without_others() -> Iterator[None]:
    others = _Others()
    sys.meta_path.insert(0, others)
    try:
        yield
    finally:
        sys.meta_path.remove(others)


with _without_others():
    import ccxt.pro

__all__ = ["ccxt"]
