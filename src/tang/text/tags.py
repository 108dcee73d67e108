"""Web pages, and texts with some tags of HTML in them, as text."""

import re

_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*-->")
_XML = re.compile(r"\s*<\?xml\b")
_TAG = re.compile(r"<(/?)([a-zA-Z!]\w*)\b[^<>]*>")
_INLINE = {"a", "b", "i", "u", "em", "strong", "span", "font", "sup", "sub", "small", "ruby", "rb", "rt", "rp"}
_READINGS = {"rt", "rp"}  # What stands over the characters
_HIDDEN = {*_READINGS, "script", "style", "head", "footer", "nav"}


def without_tags(text: str, is_page: bool = False) -> str:
    """``text`` without tags: ``<br>`` and other blocks, such as ``<p>``, end a line; a page's blocks are apart."""
    if "<" not in text:
        return text
    parts: list[str] = []
    text = _COMMENT.sub("", text)
    hides = (_HIDDEN if _XML.match(text) else {*_HIDDEN, "title"}) if is_page else _READINGS
    hidden: str | None = None
    position = 0
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if hidden is None:
            between = text[position : tag.start()]
            parts.append(" ".join(between.split()) if is_page else between)
            if name == "br":
                parts.append("\n")
            elif name not in _INLINE:
                parts.append("\n\n" if is_page else "\n" if tag[1] or _ends_within_a_line(parts) else "")
            if name in hides and not tag[1] and not tag[0].endswith("/>"):
                hidden = name
        elif (tag[1] and name == hidden) or name == "body":  # which ends the head, closed or not
            hidden = None
        position = tag.end()
    parts.append("" if hidden else text[position:])
    return re.sub(r"\n\s*\n+", "\n\n", "".join(parts)) if is_page else "".join(parts)


def _ends_within_a_line(parts: list[str]) -> bool:
    return next((not part.endswith("\n") for part in reversed(parts) if part), False)
