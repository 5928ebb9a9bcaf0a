"""docs/forecast-features.md is what the code says."""

from __future__ import annotations

from scripts.list_features import PAGE, page


def test_every_feature_is_documented_as_it_is_reckoned() -> None:
    assert PAGE.read_text() == page(), "python -m scripts.list_features writes it anew"
