"""What older bots call on and off. Pure."""

from __future__ import annotations

from ops.legacy.mapping.reading import Row

ON = frozenset({"true", "t", "1", "yes", "on", "enabled", "active"})
OFF = frozenset({"false", "f", "0", "no", "off", "disabled", "inactive"})


def is_on(row: Row, *names: str, unsaid: bool) -> bool:
    """All of these columns that say something; anything but a known yes is a no."""
    said = [str(row[name]).strip().lower() for name in names if row.get(name) is not None]
    return all(word in ON for word in said) if said else unsaid


def is_off(row: Row, *names: str) -> bool:
    """Only where a column says so."""
    return any(str(row.get(name)).strip().lower() in OFF for name in names)
