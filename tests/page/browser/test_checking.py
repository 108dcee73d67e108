"""A poem is checked."""

import re

from tests.page.browser.rooms import NIGHT, Page, check, expect, open_room, press


def test_a_report_says_what_to_mend_and_the_model_how(tab: Page) -> None:
    report = check(tab, NIGHT)
    expect(report.get_by_text("五言绝句, not regular")).to_be_visible()
    expect(report.get_by_text("the corpus isn't prepared")).to_contain_text("run: python src/check.py 春")
    slip = report.get_by_role("listitem").filter(has_text="Line 2, character 4: 上 is oblique")
    expect(slip).to_contain_text("The model suggests")
    report.get_by_role("group").get_by_role("button", name=re.compile("^上")).hover()
    expect(report.get_by_text("上 ·")).to_contain_text("it should be level")


def test_a_text_without_a_poem_is_a_mistake_at_its_control(tab: Page) -> None:
    open_room(tab, "Check")
    tab.get_by_label("A poem").fill("abc")
    press(tab, "Check")
    expect(tab.get_by_label("A poem")).to_be_focused()
    expect(tab.get_by_label("A poem")).to_have_attribute("aria-invalid", "true")


def test_arrows_lead_from_room_to_room(tab: Page) -> None:
    tab.get_by_role("tab", name="Write").press("ArrowRight")
    expect(tab.get_by_role("tab", name="Check")).to_be_focused()
    expect(tab.get_by_role("tabpanel", name="Check")).to_be_visible()
    expect(tab.get_by_role("tabpanel", name="Write")).to_be_hidden()
