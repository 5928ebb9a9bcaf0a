"""How one person wants to see the pages. One row a person; no row is the defaults."""

from __future__ import annotations

from enum import StrEnum
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from positions.formats import MONEY_DECIMALS


class Colours(StrEnum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Palette(StrEnum):
    GREEN_RED = "green_red"
    RED_GREEN = "red_green"
    BLUE_ORANGE = "blue_orange"


class Density(StrEnum):
    ROOMY = "roomy"
    COMPACT = "compact"


UTC = "UTC"
MOST_DECIMALS = 4
COLOURS = {Colours.SYSTEM: "as the system has it", Colours.LIGHT: "light", Colours.DARK: "dark"}
PALETTES = {
    Palette.GREEN_RED: "green and red",
    Palette.RED_GREEN: "red and green (as in East Asia)",
    Palette.BLUE_ORANGE: "blue and orange (for the colour-blind)",
}
DENSITIES = {Density.ROOMY: "roomy", Density.COMPACT: "compact"}


def known_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name} is not a time zone; they are named like Europe/Berlin.")


class Preferences(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="preferences"
    )
    zone = models.CharField("time zone", max_length=64, default=UTC, validators=[known_zone])
    colours = models.CharField(max_length=10, choices=list(COLOURS.items()), default=Colours.SYSTEM)
    palette = models.CharField(
        "gain and loss", max_length=12, choices=list(PALETTES.items()), default=Palette.GREEN_RED
    )
    density = models.CharField(max_length=10, choices=list(DENSITIES.items()), default=Density.ROOMY)

    money_decimals = models.PositiveSmallIntegerField(
        "decimals of money", choices=[(count, str(count)) for count in range(MOST_DECIMALS + 1)],
        default=MONEY_DECIMALS, db_default=MONEY_DECIMALS,
    )  # fmt: skip

    class Meta:
        db_table = "user_preferences"
        verbose_name_plural = "preferences"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    colours__in=list(Colours),
                    palette__in=list(Palette),
                    density__in=list(Density),
                    money_decimals__lte=MOST_DECIMALS,
                ),
                name="preferences_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.zone}, {self.colours}"
