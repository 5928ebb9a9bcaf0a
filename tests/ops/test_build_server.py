"""The build server's log is short: what failed has to be in it, whatever else a run says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tradingbot.environment import BASE_DIR

MAKEFILE = """\
test:
\t@{python} -m pytest -p no:cacheprovider $(ARGS)
check:
\t@echo checked
"""
MANY_FAIL = """
import pytest

def deep(levels):
    assert levels, "planted " + "x" * 5000
    deep(levels - 1)

@pytest.mark.parametrize("number", range(100))
def test_planted(number):
    print("noise " * 1000)
    deep(20)
"""
NOT_READ = "import nothing_of_that_name\n"
ALL_PASS = "def test_planted(): pass\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(BASE_DIR / ".ci", tmp_path / ".ci")
    (tmp_path / "Makefile").write_text(MAKEFILE.format(python=sys.executable))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "chromium").touch(0o755)  # none is installed for this
    return tmp_path


def build(project: Path, tests: str) -> tuple[int, str]:
    (project / "test_planted.py").write_text(tests)
    (project / "pytest.ini").write_text("[pytest]\naddopts = -ra\n")
    env = os.environ | {
        "PATH": f"{project / 'bin'}:{os.environ['PATH']}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    told = subprocess.run([project / ".ci" / "run"], env=env, capture_output=True, text=True)
    return told.returncode, told.stdout + told.stderr


def test_many_failures_are_told_shortly_and_named_last(project: Path) -> None:
    status, said = build(project, MANY_FAIL)
    assert status != 0
    assert len(said) < 8000
    assert "AssertionError: planted" in said
    assert "noise" not in said
    assert "checked" not in said
    *_, failing, left, counts = said.splitlines()
    assert failing.startswith("FAILED test_planted.py::test_planted")
    assert "lines more" in left
    assert "100 failed" in counts


def test_what_cannot_even_be_read_is_named(project: Path) -> None:
    status, said = build(project, NOT_READ)
    assert status != 0
    assert "No module named 'nothing_of_that_name'" in said
    assert "ERROR test_planted.py" in said


def test_a_run_without_tests_shows_its_end(project: Path) -> None:
    (project / "Makefile").write_text("test:\n\t@echo the index does not answer; exit 3\n")
    status, said = build(project, "")
    assert status != 0
    assert "the index does not answer" in said


def test_a_good_run_shows_its_counts_and_goes_on(project: Path) -> None:
    status, said = build(project, ALL_PASS)
    assert status == 0
    assert "1 passed" in said
    assert said.endswith("checked\n")
