"""Every number of docs/protection.md is what the code says."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from exchanges.types import PositionSide
from tests.trailing.worked import story_rows, trailing_rows
from trailing.plan import ProtectionPlan, read_plan

PAGE = (Path(__file__).parents[2] / "docs" / "protection.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return found


def table(name: str) -> list[str]:
    (found,) = re.findall(rf"^<!-- {name} -->\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return found.splitlines()


def test_each_kind_of_trailing_stands_where_the_page_says() -> None:
    assert table("trailing") == list(trailing_rows())


@pytest.mark.parametrize("side", PositionSide)
def test_the_worked_example_is_what_the_plan_does(side: PositionSide) -> None:
    assert table(side) == list(story_rows(read_plan(json.loads(block("json"))), side))


def test_the_example_prints_what_the_page_says() -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(block("python"), {})  # noqa: S102
    assert said.getvalue() == block("text")


def test_every_part_of_a_plan_is_on_the_page() -> None:
    schema = ProtectionPlan.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    names = {name for part in parts for name in part.get("properties", {})}
    assert {name for name in names if f"`{name}`" not in PAGE and f'"{name}"' not in PAGE} == set()
