"""Take the pictures of the page: ``python docs/screenshots.py`` writes ``docs/page*.png``.

Each shows a room in a wide window by day, and beside it on a telephone by night. They need a Chromium, a
Chinese serif font, and the model's corpus for its trigram: ``apt-get install chromium fonts-noto-cjk`` and
``python src/check.py 春 ckpt=shipped corpus=true``.
"""

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).parent.parent
WIDE, NARROW, HEIGHT, GAP = 1440, 360, 940, 16  # pixels
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
REGULATED = {"rhyme": "true", "candidates": 16, "seed": 1}
FAREWELL = REGULATED | {"title": "送友人", "form": "五言律诗", "tones": "strict", "n": 3}
SOMBRE = "死，愁，泪，哭，老，病，冤，悲"
WISH = {"acrostic": "生日快乐", "form": "五言绝句", "tones": "loose", "avoid": SOMBRE, "n": 1}
BIRTHDAY = REGULATED | WISH | {"vertical": "true", "traditional": "true"}
NIGHT = "静夜思\n床前明月光，疑是地上霜。\n举头望明月，低头思故乡。"
SPRING = """春望
国破山河在，城春草木深。
感时花溅泪，恨别鸟惊心。
烽火连三月，家书抵万金。
白头搔更短，浑欲不胜簪。"""


def writing(tab: Page, is_wide: bool) -> None:
    """Poems about a farewell, and other lines in the place of one; on the telephone a wish in columns."""
    tab.goto("/#" + urlencode(FAREWELL if is_wide else BIRTHDAY))
    expect(tab.get_by_text("written, seed")).to_contain_text("3 of 3" if is_wide else "1 of 1", timeout=60_000)
    if is_wide:
        tab.get_by_role("button", name="Line 3").first.click()
        expect(tab.get_by_text("These suit the whole poem.")).to_be_visible(timeout=60_000)


def checking(tab: Page, is_wide: bool) -> None:
    """A report with suggestions."""
    ask(tab, "Check", "A poem", NIGHT)
    if not is_wide:
        scroll_to(tab.get_by_text("Done."))


def looking_inside(tab: Page, is_wide: bool) -> None:
    """What the model makes of each character; on the telephone what it hears."""
    ask(tab, "Look inside", "Poem to look into", SPRING)
    if not is_wide:
        scroll_to(tab.get_by_text("What it hears"))
    tab.get_by_role("img", name="溅" if is_wide else "金").nth(0 if is_wide else 2).hover()


def ask(tab: Page, room: str, label: str, poem: str) -> None:
    """Have a room answer about a poem."""
    tab.goto("/")
    tab.get_by_role("tab", name=room).click()
    tab.get_by_label(label).fill(poem)
    tab.get_by_role("button", name=room, exact=True).click()
    expect(tab.get_by_text("Done.")).to_be_visible(timeout=60_000)


def scroll_to(place: Locator) -> None:
    place.evaluate("place => place.parentElement.scrollIntoView()")


ROOMS = {"page": writing, "page_check": checking, "page_inside": looking_inside}


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
