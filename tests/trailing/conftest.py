from __future__ import annotations

from tests.positions.services.conftest import Desk, desk, marks

__all__ = ["Desk", "desk", "marks"]
