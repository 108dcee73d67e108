"""Render a page of docs/ as one HTML file: ``python docs/standalone.py docs/derivation.md outputs/derivation.html``.

Formulas become MathML and pictures are put in, so that it needs nothing else, no network either. Links inside the page
stay. What other links lead to isn't there wherever the file is opened; their text is kept, with their title.
"""

import base64
import re
import sys
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from math_core import LatexToMathML

STYLE = """
:root { color-scheme: light dark; font: 1.05rem/1.5 Georgia, "Noto Serif", serif; }
body { max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
math { font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math", "DejaVu Math TeX Gyre", math; }
math[display="block"] { margin: 1rem 0; overflow: auto hidden; }
math[display="block"] + p { margin: -1.7rem 0 1.2rem; text-align: right; }
sup { color: #2a8a4a; line-height: 0; cursor: help; }
img { width: 100%; border-radius: 0.5rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: 1rem 0; }
th, td { border-bottom: 1px solid #8886; padding: 0.25rem 0.6rem; text-align: left; vertical-align: top; }
"""
LATEX = LatexToMathML()


def anchor(heading: str) -> str:
    """The name that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def render(page: Path) -> str:
    """The HTML of a page in GitHub's Markdown."""
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.core.ruler.push("standalone", stand_alone)
    text = page.read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix("# ")
    body = markdown.render(text, {"folder": page.parent})
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}</body></html>\n'


def stand_alone(state: StateCore) -> None:
    """Put formulas and pictures into the page, and name its headings."""
    for number, token in enumerate(state.tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor(state.tokens[number + 1].content))
        elif token.type == "fence" and token.info == "math":
            show(token, LATEX.convert_with_local_state(token.content, displaystyle=True))
        elif token.type == "inline":
            embed(token.children or [], state.env["folder"])


def embed(tokens: list[Token], folder: Path) -> None:
    """The same within a paragraph, where a formula is code between dollars, $`x`$."""
    for number, token in enumerate(tokens):
        if token.type == "code_inline" and tokens[number - 1].content.endswith("$"):
            tokens[number - 1].content = tokens[number - 1].content[:-1]
            tokens[number + 1].content = tokens[number + 1].content.removeprefix("$")
            show(token, LATEX.convert_with_local_state(token.content, displaystyle=False))
        elif token.type == "image":
            picture = folder / str(token.attrs["src"])
            data = base64.b64encode(picture.read_bytes()).decode()
            token.attrSet("src", f"data:image/{picture.suffix[1:].replace('svg', 'svg+xml')};base64,{data}")
        elif token.type == "link_open" and not str(token.attrs["href"]).startswith("#"):
            del token.attrs["href"]


def show(token: Token, html: str) -> None:
    token.type, token.content = "html_inline", html


def main(page: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(render(page), encoding="utf-8")
    print(to.resolve().as_uri())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
