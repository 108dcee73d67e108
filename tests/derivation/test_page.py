"""docs/derivation.md as one HTML file."""

import base64
import re
from html import unescape

from docs.standalone import render
from tests.commands import ROOT
from tests.derivation.conftest import TEXT

HTML = render(ROOT / "docs" / "derivation.md")


def test_every_formula_is_mathml() -> None:
    inline = re.findall(r"\$`[^`]+`\$", TEXT)
    assert HTML.count("<math>") == len(inline) > 0
    assert HTML.count('<math display="block">') == TEXT.count("```math") > 0
    assert "$" not in HTML
    for formula in re.findall(r"<math.*?</math>", HTML, re.DOTALL):
        assert not re.search(r"[\\&]\w", unescape(formula)), "a command that was not understood"


def test_the_page_needs_nothing_else() -> None:
    references = re.findall(r'(?:src|href|srcset|data)="([^"]*)"|url\(|@import', HTML)
    anchors = set(re.findall(r'id="([^"]*)"', HTML))
    pictures = [each for each in references if not each.startswith("#")]
    assert {each[1:] for each in references if each.startswith("#")} <= anchors
    assert len(pictures) == TEXT.count("![") > 0
    for picture in pictures:
        kind, _, data = picture.partition(";base64,")
        assert kind == "data:image/svg+xml"
        assert b"<svg" in base64.b64decode(data)
    assert not re.search("<(script|link|iframe|object)", HTML)
