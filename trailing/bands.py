"""Bands of all open positions, asked for every second: only what changed since is read and reckoned again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from exchanges.types import PriceKind
from trailing import rows
from trailing.aging import target_lasts
from trailing.thresholds import Band

Contract = tuple[str, str]  # venue, ccxt symbol
Line = tuple[str, str, PriceKind]  # one kind of a contract's prices

FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Watched:
    contract: Contract
    band: Band
    kind: PriceKind = PriceKind.MARK

    @property
    def line(self) -> Line:
        return *self.contract, self.kind


@dataclass(frozen=True, slots=True)
class _Known:
    version: str
    watched: Watched | None  # None: not armed yet, or it cannot be read
    until: datetime


class OpenBands:
    """Remembers what it made: a position of which nothing changed has the same object again."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def load(self) -> dict[int, Watched]:
        """Of every open position that can have one."""
        now, versions = timezone.now(), rows.open_versions()
        still = {key: one for key, one in self._known.items() if _stands(one, versions.get(key), now)}
        # what changes between the two questions has another version at the next load
        self._known = still | dict(_read(versions, versions.keys() - still.keys(), now))
        return {key: one.watched for key, one in self._known.items() if one.watched is not None}


def _stands(one: _Known, version: str | None, now: datetime) -> bool:
    return one.version == version and now < one.until


def _read(versions: Mapping[int, str], keys: set[int], now: datetime) -> Iterator[tuple[int, _Known]]:
    for row in rows.open_rows_for_bands(keys):
        yield row.pk, _known(row, versions[row.pk], now)


def _known(row: Any, version: str, now: datetime) -> _Known:
    """A row that cannot be read does not blind us to the others."""
    contract = row.position.account.venue, row.position.instrument.symbol
    try:
        watched = Watched(contract, rows.band_of(row, now), rows.kind_of(row.position))
        return _Known(version, watched, _until(row, now))
    except ValueError:
        return _Known(version, None, FOR_EVER)


def _until(row: Any, now: datetime) -> datetime:
    """When its age alone changes the band."""
    age = rows.plan_of(row.position).age
    hours = target_lasts(age, rows.age_hours(row.position, now)) if age else None
    return FOR_EVER if hours is None else now + timedelta(hours=float(hours))
