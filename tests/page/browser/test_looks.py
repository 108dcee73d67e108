"""The page is there for every reader: of a telephone, in the dark, with a screen reader."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.page.browser.rooms import Page, check, choose, expect, open_room, press, write, written

SHIFTS = """() => {
  window.shifts = [];
  const observer = new PerformanceObserver((list) => shifts.push(...list.getEntries().map((entry) => entry.value)));
  observer.observe({ type: "layout-shift" });
}"""
NIGHT = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"


@pytest.mark.slow
def test_axe_finds_nothing_in_any_room(tab: Page) -> None:
    check(tab, NIGHT)
    open_room(tab, "Write")
    write(tab)
    tab.get_by_label("Beginning").fill("x")
    press(tab, "Write")
    expect(tab.get_by_label("Beginning")).to_have_attribute("aria-invalid", "true")
    for room in tab.get_by_role("tab").all():
        room.click()
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            found = Axe().run(tab)
            assert not found.violations_count, f"{room.text_content()}, {scheme}: {found.generate_report()}"


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_while_poems_arrive_and_nothing_is_wider_than_the_window(tab: Page, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    choose(tab, 4)
    tab.evaluate(SHIFTS)
    press(tab, "Write")
    written(tab, 4)
    check(tab, NIGHT)
    assert tab.evaluate("window.shifts") == []
    for room in tab.get_by_role("tab").all():
        room.click()
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
