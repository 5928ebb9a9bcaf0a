"""What a model said against what came true, as a picture (SVG). Needs no numpy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import sqrt
from typing import Any

from signals_app.forecasts.card_text import by_horizon

SIDE, GAP, TOP = 220, 46, 34
LARGEST, SMALLEST = 9.0, 1.5
TICKS = (0, 0.25, 0.5, 0.75, 1)
STYLE = (
    "text{font:12px sans-serif;fill:#444}.frame{fill:none;stroke:#999}.ideal{stroke:#999;stroke-dasharray:4 4}"
    ".line{fill:none;stroke:#2a6fb0;stroke-width:1.5}.dot{fill:#2a6fb0;fill-opacity:.75}"
)


def picture(card: Mapping[str, Any]) -> str:
    """A square for each horizon: on the dashed line what was said is what came true; larger dots were said more
    often."""
    horizons = by_horizon(card, "scores")
    width, height = GAP + len(horizons) * (SIDE + GAP), TOP + SIDE + GAP
    squares = "\n".join(
        line
        for place, (name, one) in enumerate(horizons)
        for line in _square(name, one, GAP + place * (SIDE + GAP))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{squares}\n</svg>\n'
    )


def _square(name: str, one: Mapping[str, Any], left: float) -> Iterator[str]:
    error = f"calibration error {one['calibration_error']:.1%}"
    yield f'<text x="{left}" y="{TOP - 12}">{escape(name)}: {error}</text>'
    yield f'<rect class="frame" x="{left}" y="{TOP}" width="{SIDE}" height="{SIDE}"/>'
    yield f'<line class="ideal" x1="{left}" y1="{TOP + SIDE}" x2="{left + SIDE}" y2="{TOP}"/>'
    for tick in TICKS:
        yield (
            f'<text x="{left + tick * SIDE:.0f}" y="{TOP + SIDE + 16}" text-anchor="middle">{tick * 100:.0f}</text>'
        )
        yield f'<text x="{left - 6}" y="{TOP + SIDE * (1 - tick) + 4:.0f}" text-anchor="end">{tick * 100:.0f}</text>'
    middle = left + SIDE / 2
    yield f'<text x="{middle}" y="{TOP + SIDE + 34}" text-anchor="middle">said, % (up: came true, %)</text>'
    yield from _dots(one["reliability"], left)


def _dots(bins: Sequence[Mapping[str, float]], left: float) -> Iterator[str]:
    most = max((one["count"] for one in bins), default=1)
    places = [
        (left + SIDE * one["said"], TOP + SIDE * (1 - one["came_true"]), one["count"] / most) for one in bins
    ]
    yield f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)}"/>'
    for x, y, share in places:
        size = max(SMALLEST, LARGEST * sqrt(share))
        yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'
