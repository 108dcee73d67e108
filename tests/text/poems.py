"""Invented poems and songs, and files of them in any shape."""

import json
import random
from pathlib import Path

from tang.text.reading import Reading, read_poems
from tests.conftest import CHARACTERS, verse

TITLES = ["静夜思", "登鹳雀楼", "春晓", "送杜少府之任蜀州", "赋得古原草"]
POEMS = [(TITLES[i % 5], *(line[:5] for line in verse(i).replace("。", "，").split("，")[:4])) for i in range(120)]


def written(pattern: str, between: str = "\n") -> str:
    """All poems as ``pattern`` has them: 0 is the title, 1 to 4 are the lines."""
    return between.join(pattern.format(*poem) for poem in POEMS)


def listed(record: object) -> str:
    """A JSON list of all poems, each as ``record`` has it."""
    text = json.dumps(record, ensure_ascii=False).replace("{", "{{").replace("}", "}}")
    for number in range(5):
        text = text.replace(f"<{number}>", f"{{{number}}}")
    return f"[{written(text, ',')}]"


QUATRAIN = "{1}，{2}。{3}，{4}。"
COUPLETS = "{1}，{2}。\n{3}，{4}。"
TUNES = ["如梦令", "卜算子", "春夜新声", "虞美人", "江月引"]
SHAPE = (6, 6, 5, 6, 2, 2, 6)  # Of a song


def song(seed: int) -> list[str]:
    """The lines of a song."""
    rng = random.Random(seed)
    return ["".join(rng.choices(CHARACTERS, k=size)) for size in SHAPE]


SONGS = [(TUNES[seed % 5], song(seed)) for seed in range(60)]


def sung(lines: list[str], mark: str = "，") -> str:
    """A song with its marks."""
    return "".join(line + (mark if number % 2 else "。") for number, line in enumerate(lines, 2))


def read(tmp_path: Path, name: str, text: str) -> Reading:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_poems([path])
