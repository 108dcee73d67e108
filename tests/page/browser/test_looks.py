"""The page is there for every reader: of a telephone, in the dark, with a screen reader."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.page.browser.rooms import (
    NIGHT,
    Page,
    check,
    choose,
    expect,
    look_inside,
    offer,
    open_room,
    place,
    press,
    write,
    written,
)

SHIFTS = """() => {
  window.shifts = [];
  const observer = new PerformanceObserver((list) => shifts.push(...list.getEntries().map((entry) => entry.value)));
  observer.observe({ type: "layout-shift" });
}"""


@pytest.mark.slow
def test_axe_finds_nothing_in_any_room(tab: Page) -> None:
    check(tab, NIGHT)
    look_inside(tab, NIGHT)
    open_room(tab, "Write")
    card, _ = write(tab)
    offer(place(card, 3))
    check_accessible(tab, "other lines")
    tab.keyboard.press("Escape")
    tab.get_by_label("Beginning").fill("x")
    press(tab, "Write")
    expect(tab.get_by_label("Beginning")).to_have_attribute("aria-invalid", "true")
    for room in tab.get_by_role("tab").all():
        room.click()
        check_accessible(tab, room.inner_text())


def check_accessible(tab: Page, what: str) -> None:
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        found = Axe().run(tab)
        assert not found.violations_count, f"{what}, {scheme}: {found.generate_report()}"


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_while_poems_arrive_and_nothing_is_wider_than_the_window(tab: Page, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    choose(tab, 4)
    tab.evaluate(SHIFTS)
    press(tab, "Write")
    offer(place(written(tab, 4)[0], 3))
    tab.keyboard.press("Escape")
    check(tab, NIGHT)
    look_inside(tab, NIGHT)
    assert tab.evaluate("window.shifts") == []
    for room in tab.get_by_role("tab").all():
        room.click()
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_telephone_the_line_that_changes_stays_in_view(tab: Page) -> None:
    tab.set_viewport_size({"width": 360, "height": 640})
    (card,) = write(tab, 1)
    dialog = offer(place(card, 4)).bounding_box()
    line = place(card, 4, 1).bounding_box()
    assert line is not None
    assert dialog is not None
    assert 0 < line["y"] < line["y"] + line["height"] <= dialog["y"]
