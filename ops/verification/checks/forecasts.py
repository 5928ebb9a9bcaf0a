"""ML Pipeline: forecasts are one more source of signals. Until they are part of the bot nothing relies on them, and
nobody can say anything about them."""

from __future__ import annotations

from django.apps import apps

from ops.verification.verdicts import Finding, unknown

APP = "signals_app.forecasts"


def check() -> Finding:
    if apps.is_installed(APP):
        return unknown("forecasts are installed, and this verifier cannot ask them yet")
    return unknown("forecasts are not a part of this installation; nothing trades by them", is_needed=False)
