#!/usr/bin/env python3
"""Each package of constraints.txt with its licence, the day its files were put on the index that pip is set to, and
who wants it. Prints a table; `--write` puts it into docs/dependencies.md. No list of known holes is asked.

The days come from pip itself, by its own settings; what its index does not tell is a dash, and never a guess."""

from __future__ import annotations

import logging
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
PAGE = BASE / "docs" / "dependencies.md"
PINNED = re.compile(r"^(?P<name>[\w.-]+)(?:\[.*\])?==(?P<version>[^\s;]+)")
NAME = re.compile(r"^[\w.-]+")
UNKNOWN = "-"
LONGEST_LICENCE = 40
HEAD = """# What this is built on

Each package that `constraints.txt` pins: its licence by its own metadata, the day its version was put on the package
index, and who wants it. Written by `scripts/dependency_ages.py --write` on {today}; a dash is what nobody told.
Known holes are not looked up here: for that run a checker such as `pip-audit -r constraints.txt` on a machine that
reaches its database.

| Package | Version | Released | Licence | Wanted by |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    released: date | None
    licence: str
    wanted_by: str


def pinned(text: str) -> dict[str, str]:
    """Name -> exact version."""
    found = (PINNED.match(line.strip()) for line in text.splitlines())
    return {plain(one["name"]): one["version"] for one in found if one}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def packages() -> Iterator[Package]:
    versions = pinned((BASE / "constraints.txt").read_text())
    days, wanted = released(versions), wanted_by(versions)
    for name, version in versions.items():
        yield Package(name, version, days.get(name), licence_of(name), wanted.get(name, UNKNOWN))


def wanted_by(names: Iterable[str]) -> dict[str, str]:
    project = tomllib.loads((BASE / "pyproject.toml").read_text())
    by: dict[str, list[str]] = defaultdict(list)
    for requirement in project["project"]["dependencies"]:
        by[_name(requirement)].append("us")
    for extra, requirements in project["project"].get("optional-dependencies", {}).items():
        for requirement in requirements:
            by[_name(requirement)].append(f"us, as the extra {extra}")
    for group in project["dependency-groups"].values():
        for requirement in group:
            by[_name(requirement)].append("our tests and tools")
    for name in sorted(names):
        for requirement in _requirements(name):
            by[_name(requirement)].append(name)
    return {name: _in_short(of) for name, of in by.items()}


def _in_short(of: list[str]) -> str:
    return of[0] if of[0].startswith(("us", "our")) else ", ".join(dict.fromkeys(of))


def _requirements(name: str) -> list[str]:
    """Of what is installed; extras too, as one of them may be what brought it here."""
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def _name(requirement: str) -> str:
    found = NAME.match(requirement)
    return plain(found[0]) if found else requirement


def licence_of(name: str) -> str:
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return f"{UNKNOWN} (not installed here)"
    classifiers = [one for one in told.get_all("Classifier") or [] if one.startswith("License ::")]
    names = [one.rpartition(" :: ")[2] for one in classifiers if one.rpartition(" :: ")[2] != "OSI Approved"]
    written = (told.get("License") or "").strip().partition("\n")[0]
    short = written if len(written) <= LONGEST_LICENCE else ""
    return told.get("License-Expression") or ", ".join(names) or short or UNKNOWN


def released(versions: Mapping[str, str]) -> dict[str, date]:
    """As pip's index tells it. pip promises nothing of its insides: when they change, it says that days are missing."""
    logging.getLogger("pip").setLevel(logging.ERROR)
    try:
        from pip._internal.commands import create_command

        command = create_command("download")
        options, _ = command.parse_args(["nothing"])
        with command.main_context():
            session = command.get_default_session(options)  # type: ignore[attr-defined]
            finder = command._build_package_finder(options, session)  # type: ignore[attr-defined]
            found = {name: _day(finder, name, version) for name, version in versions.items()}
    except Exception as error:
        print(f"pip does not tell days of release ({type(error).__name__}).", file=sys.stderr)
        return {}
    return {name: day for name, day in found.items() if day is not None}


def _day(finder: object, name: str, version: str) -> date | None:
    """Of its first file."""
    files = finder.find_all_candidates(name)  # type: ignore[attr-defined]
    times = [one.link.upload_time for one in files if str(one.version) == version and one.link.upload_time]
    return min(times).date() if times else None


def line_of(one: Package) -> str:
    return f"| {one.name} | {one.version} | {one.released or UNKNOWN} | {one.licence} | {one.wanted_by} |"


def main() -> None:
    today, found = datetime.now(UTC).date(), sorted(packages(), key=lambda one: one.name)
    page = HEAD.format(today=today) + "\n".join(map(line_of, found)) + "\n"
    if "--write" in sys.argv:
        PAGE.write_text(page)
        return
    for one in sorted(found, key=lambda one: one.released or date.min):
        age = f"{(today - one.released).days:>5} days" if one.released else f"{UNKNOWN:>10}"
        print(
            f"{age}  {one.released or UNKNOWN!s:<10}  {one.name} {one.version}  ({one.licence})  {one.wanted_by}"
        )


if __name__ == "__main__":
    main()
