"""A database whose machine went without a word is noticed in seconds, unless its address says otherwise."""

from __future__ import annotations

import pytest

from ops.own_session import own_session
from tradingbot.settings import NOTICE_A_LOST_DATABASE, _database


@pytest.mark.django_db
def test_every_session_notices_a_lost_server() -> None:
    with own_session() as session:
        said = session.info.get_parameters()
    assert {name: said.get(name) for name in NOTICE_A_LOST_DATABASE} == {
        "connect_timeout": "5",
        "keepalives": "1",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "15000",
    }


def test_the_address_of_the_database_has_the_last_word() -> None:
    options = _database("postgresql://owner@db/bot?connect_timeout=60&sslmode=require")["OPTIONS"]
    assert (options["connect_timeout"], options["sslmode"]) == ("60", "require")
    assert options["tcp_user_timeout"] == 15_000
