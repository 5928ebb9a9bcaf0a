"""Every column that the admin can show has a name that people read."""

from __future__ import annotations

from django.contrib import admin
from django.urls import get_resolver

from ops.desk.field_names import spoken

SHORT = {"ts", "pnl", "qty", "idx", "atr", "api", "uid", "id", "ms", "msg", "cfg", "tp", "sl", "sltp"}
OURS = {"exchanges", "ops", "positions", "signals_app", "trailing"}


def test_no_column_is_called_by_an_abbreviation() -> None:
    assert get_resolver().url_patterns  # registers all
    names = {
        f"{model.__name__}.{field.name}": str(field.verbose_name)
        for model in admin.site._registry
        if model._meta.app_label in OURS
        for field in model._meta.fields
    }
    assert len(names) > 300
    assert {
        at: name for at, name in names.items() if SHORT & set(name.split()) or "_" in name or not name
    } == {}


def test_names_are_spoken() -> None:
    assert [spoken(one) for one in ("realized_pnl", "position_idx", "event_delay_ms", "at")] == [
        "realized PnL", "position index", "event delay (ms)", "when",
    ]  # fmt: skip
