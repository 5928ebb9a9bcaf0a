"""Who wrote an entry of the trail: the database role, the program if it says its name, and for whom. Pure."""

from __future__ import annotations

BY = " by "  # as migrations_sql/constraints/0017_trail_of_settings.sql writes it


def person_in(written_by: str) -> str:
    return written_by.partition(BY)[2]


def program_in(written_by: str) -> str:
    """Empty for the bot's own sessions."""
    return written_by.partition(BY)[0].partition(" ")[2]
