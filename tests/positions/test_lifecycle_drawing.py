"""docs/lifecycle.md is drawn from the tables, so picture and code cannot differ.

After changing a table: `python -m tests.positions.test_lifecycle_drawing` draws it again.
"""

from __future__ import annotations

from pathlib import Path

from positions.lifecycle import ORDER_TRANSITIONS, POSITION_TRANSITIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lifecycle.md"


def drawing(title: str, table: dict) -> str:
    moves = sorted(
        {
            (before.value, after.value, event.value)
            for (before, event), after in table.items()
            if before != after
        }
    )
    lines = [f"    {before} --> {after}: {event}" for before, after, event in moves]
    return "\n".join([f"## {title}", "", "```mermaid", "stateDiagram-v2", *lines, "```", ""])


def page() -> str:
    intro = (
        "# The two state machines\n\nDrawn from `positions/lifecycle.py`. A move that is not here raises.\n"
    )
    orders = drawing("Orders", ORDER_TRANSITIONS)
    return f"{intro}\n{drawing('Positions', POSITION_TRANSITIONS)}\n{orders}"


def test_the_picture_is_the_table() -> None:
    assert PAGE.read_text() == page()


if __name__ == "__main__":
    PAGE.write_text(page())
