"""The API's docs: drawn by the library's own files under our policy, with nothing from elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tradingbot.api.app import api

pytestmark = pytest.mark.browser


def test_the_docs_are_drawn_from_our_own_files(page, server) -> None:
    page.goto(f"{server.origin}/api/v1/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    acts = [path for path, kinds in api.get_openapi_schema()["paths"].items() if "post" in kinds]
    assert page.locator(".opblock-post").count() == len(acts) > 0
    page.locator(".opblock-summary-control", has_text="close-part").click()
    expect(page.locator(".opblock.is-open")).to_contain_text("Idempotency-Key")
