"""What the three groups may: permissions by app and codename. Pure."""

from __future__ import annotations

from collections.abc import Iterable

VIEWER, TRADER, ADMIN = "viewer", "trader", "admin"
OURS = frozenset({"exchanges", "signals_app", "trailing", "positions", "ops"})
# what an administrator also looks after
AROUND = frozenset({"auth", "django_celery_beat", "mfa"})
TRADING = frozenset({("positions", "change_position"), ("exchanges", "switch_trading")})

Permission = tuple[str, str]  # app and codename


def permissions_of(group: str, known: Iterable[Permission]) -> set[Permission]:
    return {one for one in known if _belongs(group, *one)}


def _belongs(group: str, app: str, codename: str) -> bool:
    if group == ADMIN:
        return app in OURS | AROUND
    may_look = app in OURS and codename.startswith("view_")
    return may_look or (group == TRADER and (app, codename) in TRADING)
