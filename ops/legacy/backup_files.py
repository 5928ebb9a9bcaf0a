"""The files of a backup: what is in its folder, and whether they are still what was written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

MANIFEST = "manifest.json"
SIGNAL_IDS = "signal_ids.csv"  # source, id, signal_id, symbol, created_at of positions and trades
AGAIN = "make a new one with `manage.py legacy backup`"


@dataclass(frozen=True)
class TableContent:
    """The fingerprint is of these columns, and does not depend on the order of rows."""

    rows: int
    fingerprint: str
    columns: list[str]


@dataclass(frozen=True)
class WrittenFile:
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    database: str
    made_at: str
    server: str
    programs: str
    schemas: list[str]
    tables: dict[str, TableContent]
    lasting: dict[str, TableContent]  # of tables to which the migration adds rows: what will stay
    states: list[str]  # a fingerprint of each trailing state, without the position it names
    objects: dict[str, list[str]]
    stale_states: int = 0
    files: dict[str, WrittenFile] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=2) + "\n")


def read_manifest(folder: Path) -> Manifest:
    content = json.loads((folder / MANIFEST).read_text())
    for part in ("tables", "lasting"):
        content[part] = {name: TableContent(**one) for name, one in content[part].items()}
    content["files"] = {name: WrittenFile(**one) for name, one in content["files"].items()}
    return Manifest(**content)


def written(path: Path) -> WrittenFile:
    with path.open("rb") as file:
        return WrittenFile(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def what_is_wrong(folder: Path, again: str = AGAIN) -> str | None:
    """One sentence, or None where every file is as it was written."""
    try:
        manifest = read_manifest(folder)
    except (OSError, ValueError, TypeError, KeyError):
        return f"the backup in {folder} is gone or cannot be read; {again}"
    if not manifest.files:
        return f"the backup in {folder} names no files; {again}"
    for name, expected in manifest.files.items():
        try:
            found = written(folder / name)
        except OSError:
            return f"{folder / name} of the backup cannot be read; {again}"
        if found != expected or found.size == 0:
            return f"{folder / name} is not what was written ({found.size} of {expected.size} bytes); {again}"
    return None
