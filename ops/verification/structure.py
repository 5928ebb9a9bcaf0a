"""What a database is made of, by name, and what one lacks that it should have. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ops.verification.verdicts import Issue, Severity

# "constraint orders.order_quantity_positive" -> how it is defined
Structure = Mapping[str, str]
MIGRATE = "restore it (`manage.py migrate` names the migration; a backup has the rows) before anything trades"


def faults(ours: Structure, wanted: Structure) -> list[Issue]:
    return [*_missing(ours, wanted), *_different(ours, wanted)]


def beside(ours: Structure, wanted: Structure) -> list[str]:
    """What somebody added. It may be meant."""
    return sorted(ours.keys() - wanted.keys())


def _missing(ours: Structure, wanted: Structure) -> list[Issue]:
    return [
        Issue(f"{name} is missing", _severity(name, wanted[name]), MIGRATE)
        for name in sorted(wanted.keys() - ours.keys())
    ]


def _different(ours: Structure, wanted: Structure) -> list[Issue]:
    return [
        Issue(
            f"{name} is {ours[name]!r}, not {wanted[name]!r}",
            _severity(name, wanted[name]),
            MIGRATE,
        )
        for name in sorted(ours.keys() & wanted.keys())
        if ours[name] != wanted[name]
    ]


def _severity(name: str, definition: str) -> Severity:
    """An index that is not unique only makes things fast; everything else refuses or keeps something."""
    is_only_fast = name.startswith("index ") and "UNIQUE" not in definition
    return Severity.MEDIUM if is_only_fast else Severity.CRITICAL
