"""Conventions that run: who writes, what stays pure, what the story tests may not use, how large a room may be."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[2]
APPS = ("tradingbot", "exchanges", "signals_app", "positions", "trailing", "ops")
WRITES = {
    "save", "delete", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "acreate", "asave",
}  # fmt: skip
# first start seeds an empty database
MAY_WRITE = {"ops/first_start.py"}
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic"}


def product_files() -> list[Path]:
    found = [path for app in APPS for path in (BASE / app).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def name(path: Path) -> str:
    return path.relative_to(BASE).as_posix()


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


def is_service(path: Path) -> bool:
    return "services" in path.parts or path.name == "services.py"


def writes_rows(call: ast.Call) -> bool:
    words = ast.unparse(call.func)
    attribute = call.func.attr  # type: ignore[attr-defined]
    if attribute == "update":
        return bool(re.search(r"\b(objects|filter|exclude)\b", words))
    if attribute in ("save", "delete", "asave"):
        return not words.startswith(("super()", "self.session", "request.session"))
    return attribute in WRITES and ".objects" in words


def test_only_services_write() -> None:
    for path in product_files():
        if is_service(path) or name(path) in MAY_WRITE:
            continue
        found = [f"line {call.lineno}: {ast.unparse(call)[:80]}" for call in calls(path) if writes_rows(call)]
        assert not found, f"{name(path)} writes rows; call a service instead: {found}"


def pure_modules() -> list[Path]:
    contracts = tomllib.loads((BASE / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    pure = next(contract for contract in contracts if contract["name"] == "Decisions are pure")
    return [BASE / (module.replace(".", "/") + ".py") for module in pure["source_modules"]]


@pytest.mark.parametrize("path", pure_modules(), ids=name)
def test_decisions_ask_no_clock(path: Path) -> None:
    found = [ast.unparse(call.func) for call in calls(path) if call.func.attr in CLOCKS]  # type: ignore[attr-defined]
    assert not found, f"{name(path)} must be given the time, not ask for it: {found}"


@pytest.mark.parametrize("path", sorted((BASE / "tests/integration").glob("*.py")), ids=name)
def test_story_tests_replace_nothing(path: Path) -> None:
    assert not re.search(r"\b(mock|monkeypatch|Mock|patch)\b", path.read_text()), (
        "story tests use the real parts"
    )


def test_rooms_stay_small() -> None:
    for path in product_files():
        text = path.read_text()
        assert text.count("\n") <= 350, f"{name(path)} is a reason to split"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 45, f"{node.name} in {name(path)} has {length} lines"


def test_modules_are_named_for_what_they_do() -> None:
    for path in product_files():
        assert not re.search(r"utils|helpers?|manager|_v2|common", path.stem), name(path)


def test_pages_come_from_here_alone() -> None:
    """No address of another host in what a browser loads."""
    pages = [*BASE.glob("templates/**/*.html"), *BASE.glob("static/**/*.js"), *BASE.glob("static/**/*.css")]
    assert pages
    for page in pages:
        outside = re.findall(
            r"""(?:src|href|url\(|import)\s*=?\s*["'(]?\s*(https?://[^"')\s]+|//[^"')\s]+)""",
            page.read_text(),
        )
        assert not [one for one in outside if "w3.org" not in one], name(page)
