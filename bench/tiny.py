"""The smallest training there is, for the benchmarks of what is around it."""

import random
from pathlib import Path

CHARACTERS = "日月山水风花雪夜天地人心春秋江河云雨红白青黄东西南北上下来去"
POEMS = 400


def tiny(folder: Path, device: str, text: str | None) -> list[str]:
    """Overrides for ``src/train.py``: an LSTM of 16 units on a device, and a text of poems, if none is given random."""
    path = Path(text).absolute() if text else folder / "poems.txt"
    if not text:
        draw = random.Random(0)
        poems = ("".join("".join(draw.choices(CHARACTERS, k=5)) + mark for mark in "，。，。") for _ in range(POEMS))
        path.write_text("\n".join(poems), encoding="utf-8")
    return [
        "data=text",
        f"data.path={path}",
        "data.min_count=1",
        "model.hidden_size=16",
        f"trainer.accelerator={device}",
    ]
