"""Sums over runs count each world once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.report import Report


def a_run(folder: Path, first: int, last: int) -> None:
    report = Report(range(first, last + 1))
    for seed in range(first, last + 1):
        report.add({"seed": seed, "seconds": 1.0, "counts": {"world": {"orders": 7}}, "violations": []})
    report.save(folder)


def test_runs_over_ranges_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(tmp_path, 1, 3)
    a_run(tmp_path, 4, 5)
    report = Report(range(1, 6))
    report.load(tmp_path)
    report.print()
    assert "5 worlds" in (told := capsys.readouterr().out)
    assert "orders 35" in told


def test_ranges_that_overlap_are_refused(tmp_path: Path) -> None:
    a_run(tmp_path, 1, 3)
    a_run(tmp_path, 3, 5)
    with pytest.raises(SystemExit, match="world 3"):
        Report(range(1, 6)).load(tmp_path)
