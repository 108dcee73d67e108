"""Simplified and traditional script, and the punctuation marks of verse."""

from functools import cache
from typing import Literal

import opencc

Script = Literal["simplified", "traditional"]
SCRIPTS: tuple[Script, Script] = ("simplified", "traditional")
MARKS = str.maketrans({",": "，", ".": "。", "．": "。", "?": "？", "!": "！", ";": "；", ":": "，", "：": "，"})

_converter = cache(opencc.OpenCC)


def convert(texts: list[str], script: Script) -> list[str]:
    """``texts`` in ``script``, by phrases (乾坤 stays 乾坤), each as long as before."""
    converter = _converter({"simplified": "t2s", "traditional": "s2t"}[script])
    converted = converter.convert("\n".join(texts)).split("\n") if texts else []
    # A phrase table may change a length; characters one by one never do.
    return [
        after if len(after) == len(before) else "".join(map(converter.convert, before))
        for before, after in zip(texts, converted, strict=True)
    ]
