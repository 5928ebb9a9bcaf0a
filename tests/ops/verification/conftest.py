from tests.positions.services.conftest import desk

__all__ = ["desk"]
