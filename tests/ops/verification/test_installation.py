"""Which installation a command means, by the words after it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops.verification.installation import choose


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "run.env").write_text("CHOSEN_HERE=yes\n")
    monkeypatch.setenv("CHOSEN_HERE", "no")
    return tmp_path


@pytest.mark.parametrize("words", [[], ["--data"], ["--json"]])
def test_without_a_folder_the_environment_stays(words: list[str], folder: Path) -> None:
    choose(words)
    assert os.environ["CHOSEN_HERE"] == "no"


@pytest.mark.parametrize("between", [" ", "="])
def test_the_environment_of_a_named_folder_comes_first(between: str, folder: Path) -> None:
    choose(["--json", *f"--data{between}{folder}".split()])
    assert os.environ["CHOSEN_HERE"] == "yes"


def test_a_folder_in_which_nothing_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No installation runs in"):
        choose(["--data", str(tmp_path)])
