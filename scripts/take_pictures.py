"""Pictures of every page of a running demo, light, dark and on a phone: `make pictures`.

It signs in like a person, looks, and changes nothing. The password is asked for, or read from PICTURES_PASSWORD."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from rich.progress import track

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5, "is_mobile": True}
LOOKS = {
    "light": DESK | {"color_scheme": "light"},
    "dark": DESK | {"color_scheme": "dark"},
    "phone": PHONE | {"color_scheme": "light"},
}
TALLEST = 1300  # pixels of a page; what is below is more of the same
PAGES = {
    "live": "/",
    "position": "{position}",
    "signals": "/signals/",
    "ledger": "/signals/ledger/",
    "orders": "/orders/",
    "trades": "/trades/",
    "year": "/trades/{year}/",
    "forecasts": "/forecasts/",
    "how_good": "/forecasts/how-good/",
    "models": "/forecasts/models/",
    "strategies": "/strategies/",
    "strategy": "{strategy}",
    "health": "/health/",
    "switch": "/switch/",
    "flat": "{flat}",
    "settings": "/settings/",
    "setup": "/setup/",
    "login": "/accounts/login/",
    "second_factor": "/accounts/2fa/",
    "sessions": "/accounts/sessions/",
    "tokens": "/settings/tokens/",
    "admin": "/admin/",
    "strategy_form": "/admin/signals_app/strategy/{number}/change/",
}
READY = {"live": "body[data-link=live]:has(#chart[data-candles])", "position": "#chart[data-candles]"}


class Photographer:
    def __init__(self, browser: Browser, url: str, folder: Path) -> None:
        self._browser, self._url, self._folder = browser, url.rstrip("/"), folder
        self._state: object = None

    def sign_in(self, user: str, password: str) -> None:
        context = self._browser.new_context()
        page = context.new_page()
        page.goto(f"{self._url}/accounts/login/")
        page.fill("input[name=login]", user)
        page.fill("input[name=password]", password)
        with page.expect_navigation():
            page.press("input[name=password]", "Enter")
        if page.locator("input[name=password]").count():
            sys.exit("The page refused that name and password.")
        self._state = context.storage_state()
        self._found = dict(self._find(page))
        context.close()

    def _find(self, page: Page) -> Iterator[tuple[str, str]]:
        """Addresses of what the demo made, from links of its own pages."""
        page.goto(f"{self._url}/strategies/")
        strategy = _link(page, r"^/strategies/\d+/$")
        yield "strategy", strategy
        yield "number", strategy.strip("/").rpartition("/")[2]
        page.goto(f"{self._url}/")
        held = _link(page, r"^/positions/\d+/$")
        yield "position", f"{held}#picture" if held else ""
        page.goto(f"{self._url}/switch/")
        yield "flat", _link(page, r"^/flat/\d+/$")
        yield "year", str(datetime.now(UTC).year)

    def missing(self) -> list[str]:
        return [name for name, address in PAGES.items() if not self._address(name, address)]

    def take_all(self, wanted: list[str]) -> None:
        shots = [(look, name) for look in LOOKS for name in wanted]
        contexts = {look: self._looking(look) for look in LOOKS}
        for look, name in track(shots, description="taking pictures"):
            self._take(contexts[look][name == "login"], look, name)

    def _looking(self, look: str) -> tuple[BrowserContext, BrowserContext]:
        """Signed in, and not."""
        options = LOOKS[look]
        known = self._browser.new_context(**options, storage_state=self._state)  # type: ignore[arg-type]
        return known, self._browser.new_context(**options)  # type: ignore[arg-type]

    def _take(self, context: BrowserContext, look: str, name: str) -> None:
        page = context.new_page()
        page.goto(self._url + self._address(name, PAGES[name]))
        page.wait_for_selector(READY.get(name, "body"), state="attached")
        page.evaluate("document.fonts.ready")
        self._make_room(page, look)
        page.screenshot(path=self._folder / f"{name}_{look}.png")
        page.close()

    def _make_room(self, page: Page, look: str) -> None:
        """As tall as the page is, within reason; of a phone one sees one screen."""
        if look == "phone":
            return
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": 1280, "height": max(480, min(height, TALLEST))})

    def _address(self, name: str, pattern: str) -> str:
        named = re.findall(r"{(\w+)}", pattern)
        return pattern.format(**self._found) if all(self._found[one] for one in named) else ""


def _link(page: Page, pattern: str) -> str:
    addresses = page.evaluate("[...document.querySelectorAll('main a')].map(a => a.getAttribute('href'))")
    return next((one for one in addresses if one and re.match(pattern, one)), "")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the running demo")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--only", nargs="*", choices=PAGES, metavar="PAGE", help="not all of them")
    options = parser.parse_args()
    password = os.environ.get("PICTURES_PASSWORD") or getpass.getpass(f"Password of {options.user}: ")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("There is no Chromium on PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        photographer = Photographer(browser, options.url, options.folder)
        photographer.sign_in(options.user, password)
        missing = photographer.missing()
        photographer.take_all([name for name in options.only or PAGES if name not in missing])
        browser.close()
    if missing:
        print(f"Not taken, as the demo holds nothing of the kind yet: {', '.join(missing)}.")


if __name__ == "__main__":
    main()
