"""PostgreSQL and Redis as `manage.py up` runs them, for measurements that need no other process of ours."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.redis import EmbeddedRedis
from ops.embedded.running import running


@contextmanager
def own_stores() -> Iterator[None]:
    """Empty, durable, migrated; Django is set up on them."""
    with tempfile.TemporaryDirectory(prefix="tb-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        postgres, redis = EmbeddedPostgres(home / "postgres"), EmbeddedRedis(home / "redis")
        with running([postgres.program(), redis.program()], home):
            os.environ.update(
                DATABASE_URL=postgres.url(), REDIS_URL=redis.url(), SECRET_KEY="x" * 50, DRY_RUN="true",
                FIELD_KEYS=Fernet.generate_key().decode(), PAPER_EXCHANGE_URL="http://127.0.0.1:9",
                DJANGO_SETTINGS_MODULE="tradingbot.settings",
            )  # fmt: skip
            _migrate()
            yield


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
