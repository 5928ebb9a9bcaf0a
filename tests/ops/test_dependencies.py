"""The page of what we are built on is that of constraints.txt."""

from __future__ import annotations

import re

from scripts.dependency_ages import BASE, PAGE, licence_of, pinned, wanted_by


def test_the_page_has_each_pinned_package_with_its_version() -> None:
    rows = re.findall(r"^\| ([\w-]+) \| (\S+) \| ", PAGE.read_text(), re.MULTILINE)
    versions = pinned((BASE / "constraints.txt").read_text())
    assert dict(rows[2:]) == versions, "run scripts/dependency_ages.py --write"


def test_what_is_pinned_is_read_from_its_line() -> None:
    text = "# made\nA_b.c==1.2 ; python_version < '4'\nredis[hiredis]==8.1.0\n--hash=sha256:1\n"
    assert pinned(text) == {"a-b-c": "1.2", "redis": "8.1.0"}


def test_who_wants_it_and_under_which_licence() -> None:
    wanted = wanted_by(["kombu", "celery"])
    assert (wanted["celery"], wanted["pytest"], wanted["kombu"]) == ("us", "our tests and tools", "celery")
    assert licence_of("django") == "BSD-3-Clause"
    assert licence_of("no-such-package").startswith("- ")
