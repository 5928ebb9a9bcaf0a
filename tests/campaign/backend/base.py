"""PostgreSQL as Django speaks to it, with a point before each statement and around each COMMIT."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base

from tests.campaign.crashes import points


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self._at_statement)

    def _commit(self) -> None:
        points.reach("before commit", self.close)
        super()._commit()
        points.reach("after commit", self.close)

    def _at_statement(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        points.reach("between statements", self.close)
        return execute(sql, *rest)
