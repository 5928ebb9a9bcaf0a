from __future__ import annotations

from tests.positions.services.conftest import Desk, desk

__all__ = ["Desk", "desk"]
