"""Tags of HTML end lines where they end them on a page."""

import pytest

from tang.text.tags import without_tags


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("日照<br>月明", "日照\n月明"),
        ("<p>日照，</p><p>月明。</p>", "日照，\n月明。\n"),
        ("<p>日照<br/>月明</p>\n<p>云来</p>", "日照\n月明\n\n云来\n"),
        ("<div>日照<div>月明</div></div>", "日照\n月明\n\n"),
        ("<b>日</b>照<ruby>月<rt>yuè</rt></ruby>明", "日照月明"),
    ],
)
def test_a_text_with_some_tags(text: str, plain: str) -> None:
    assert without_tags(text) == plain


def test_a_page() -> None:
    page = "<html><head><title>诗</title></head><nav>首页</nav><p>日照\n月明</p><p>云来</p></html>"
    assert without_tags(page, is_page=True).strip() == "日照 月明\n\n云来"
