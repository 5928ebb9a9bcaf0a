from __future__ import annotations

import pytest
from django.test import Client

from tests.positions.lists.looking import client_of


@pytest.fixture
def viewer() -> Client:
    return client_of("viewer")


@pytest.fixture
def admin() -> Client:
    return client_of("admin")
