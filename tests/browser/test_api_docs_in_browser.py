"""The API's docs: drawn by the library's own files under our policy, with nothing from elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_docs_are_drawn_from_our_own_files(page, server) -> None:
    page.goto(f"{server.origin}/api/v1/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    assert page.locator(".opblock-post").count() == 8
    page.locator(".opblock-summary-control", has_text="close-part").click()
    expect(page.locator(".opblock.is-open")).to_contain_text("Idempotency-Key")
