"""Take the pictures of the page: ``python docs/screenshots.py`` writes ``docs/page*.png``.

Each shows a room in a wide window by day, and beside it on a telephone by night. They need a Chromium and a
Chinese serif font: ``apt-get install chromium fonts-noto-cjk``.
"""

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).parent.parent
WIDE, NARROW, HEIGHT, GAP = 1440, 360, 900, 16  # pixels
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
REGULATED = {"rhyme": "true", "candidates": 16, "seed": 1}
FAREWELL = REGULATED | {"title": "送友人", "form": "五言律诗", "tones": "strict", "n": 3}
BIRTHDAY = REGULATED | {"acrostic": "生日快乐", "form": "五言绝句", "tones": "loose", "n": 1}
SOMBRE = "死，愁，泪，哭，老，病，冤，悲"
NIGHT = "静夜思\n床前明月光，疑是地上霜。\n举头望明月，低头思故乡。"


def writing(tab: Page, is_wide: bool) -> None:
    """Poems about a farewell; on the telephone a wish in columns."""
    tab.goto("/#" + urlencode(FAREWELL if is_wide else BIRTHDAY | {"avoid": SOMBRE, "vertical": "true"}))
    expect(tab.get_by_text("written, seed")).to_contain_text("3 of 3" if is_wide else "1 of 1", timeout=60_000)
    if is_wide:
        tab.get_by_role("group").get_by_role("button").nth(12).hover()


def checking(tab: Page, is_wide: bool) -> None:
    """A report with suggestions."""
    tab.goto("/")
    tab.get_by_role("tab", name="Check").click()
    tab.get_by_label("A poem").fill(NIGHT)
    tab.get_by_role("button", name="Check", exact=True).click()
    done = tab.get_by_text("Done.")
    expect(done).to_be_visible(timeout=60_000)
    if not is_wide:
        done.evaluate("message => message.parentElement.scrollIntoView()")


ROOMS = {"page": writing, "page_check": checking}


def shot(browser: Browser, address: str, room: Callable[[Page, bool], None], is_wide: bool) -> Image.Image:
    size = ViewportSize(width=WIDE if is_wide else NARROW, height=HEIGHT)
    with browser.new_page(base_url=address, viewport=size, color_scheme="light" if is_wide else "dark") as tab:
        room(tab, is_wide)
        return Image.open(io.BytesIO(tab.screenshot()))


def main() -> None:
    """Serve the page with the model that comes with the project, and take a picture of each room."""
    command = [sys.executable, str(ROOT / "src" / "page.py"), "port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            take(server.stdout.readline().split()[0])
        finally:
            server.terminate()


def take(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, room in ROOMS.items():
            both = Image.new("RGB", (WIDE + GAP + NARROW, HEIGHT), "white")
            both.paste(shot(browser, address, room, True), (0, 0))
            both.paste(shot(browser, address, room, False), (WIDE + GAP, 0))
            both.quantize(128).save(ROOT / "docs" / f"{name}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
