"""How well gaps are filled: ``python bench/gaps.py`` from the project's folder.

Line 2 or 3 of held-out quatrains is blanked, in turns, and filled in five ways; ln p of the whole poem is what counts:

=========  =============================================================================
poem=      ``sample.py poem=``: the likeliest poem that a beam and particles find
beam       its beam alone, as ``decode=beam`` has it: the likeliest beginnings are kept
particles  its particles alone: drawn, and weighed by what follows
blind      256 lines drawn from left to right whatever follows, the likeliest whole poem
people     the line that stands there
=========  =============================================================================

None is told a rhyme, tones or the title.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from tables import RESULTS
from torch import Tensor

from tang import checkpoint
from tang.evaluation.quality import held_out
from tang.generation.beam import search
from tang.generation.generate import generate
from tang.generation.particles import fill
from tang.generation.request import Request
from tang.generation.sampling import Decoded, SamplingOptions, decode
from tang.generation.slots import GAP, Layout
from tang.kernels.hardware import keep_memory
from tang.prosody.critique import critique
from tang.tables import markdown
from tang.tasks.poem_model import PoemModel
from tang.text.forms import FORMS, split_lines

BLIND = 256
NAMES = ("poem=", "beam", "particles", "blind", "people")


class Filled(NamedTuple):
    """The likeliest poem of one way."""

    text: str
    log_p: float
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Gaps filled by beam and particles, blindly, and by people.")
    parser.add_argument("--ckpt", default="shipped")
    parser.add_argument("--poems", type=int, default=150, help="quatrains of each of the two forms")
    options = parser.parse_args()
    keep_memory()
    model = checkpoint.load(checkpoint.find(options.ckpt, PoemModel), PoemModel).eval()
    test = model.data_module().prepared.splits["test"]
    rows = []
    for name in ("五言绝句", "七言绝句"):
        layout = Layout(FORMS[name], model.vocabulary)
        poems = held_out(test, model.vocabulary, layout.form)[: options.poems]
        found = [
            filled(model, layout, poem, number)
            for number, poem in enumerate(track(poems, name, console=Console(stderr=True)))
        ]
        rows += [{"form": name, "poems": len(poems), **row(model, found, way)} for way in NAMES]
    print(table := markdown(rows))
    RESULTS.joinpath("gaps.md").write_text(table + "\n", encoding="utf-8")
    RESULTS.joinpath("gaps.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")


def filled(model: PoemModel, layout: Layout, poem: str, number: int) -> dict[str, Filled]:
    """What each way makes of a poem."""
    lines = split_lines(poem.replace("\n", ""))
    blanked = 1 + number % 2
    lines[blanked] = GAP * layout.form.chars + lines[blanked][-1]
    request = Request(poem=["".join(lines)], seed=number)
    given, whole = (torch.tensor(layout.prompt_ids(text)) for text in ("".join(lines), poem.replace("\n", "")))
    network, mask, random = model.network, layout.mask, np.random.default_rng(number)
    drawn = SamplingOptions(request.used_temperature)

    def written() -> tuple[str, float]:
        (found,) = generate(model, request)
        return found.text, found.log_likelihood

    def of(rows: Tensor) -> Decoded:
        uniforms = torch.from_numpy(random.random((*rows.shape, 2), dtype=np.float32))
        return decode(network, mask, rows, drawn, uniforms)

    def best(decoded: Decoded) -> tuple[str, float]:
        likeliest = int(decoded.log_likelihood.argmax())
        return layout.read(decoded.ids[likeliest].tolist())[1], float(decoded.log_likelihood[likeliest])

    ways: dict[str, Callable[[], tuple[str, float]]] = {
        "poem=": written,
        "beam": lambda: best(search(network, mask, given, request.beams)),
        "particles": lambda: best(
            fill(network, mask, given, request.particles, request.used_temperature, random).decoded
        ),
        "blind": lambda: best(of(given.expand(BLIND, -1))),
        "people": lambda: best(of(whole[None])),
    }
    results = {}
    for name, way in ways.items():
        begin = time.perf_counter()
        text, log_p = way()
        results[name] = Filled(text, log_p, time.perf_counter() - begin)
    return results


def row(model: PoemModel, found: list[dict[str, Filled]], way: str) -> dict[str, str]:
    """The table's row of one way."""
    same = [poem[way].text == poem["blind"].text for poem in found]
    above = [poem[way].log_p > poem["blind"].log_p and not equal for poem, equal in zip(found, same, strict=True)]
    regular = [critique(poem[way].text, model.script).is_regular for poem in found]
    return {
        "filled by": way,
        "ln p of the poem": f"{statistics.fmean(poem[way].log_p for poem in found):.1f}",
        "likelier than blind": "" if way == "blind" else f"{statistics.fmean(above):.0%}",
        "the same poem": "" if way == "blind" else f"{statistics.fmean(same):.0%}",
        "rhyme and tones": f"{statistics.fmean(regular):.0%}",
        "seconds": f"{statistics.median(poem[way].seconds for poem in found):.2f}",
    }


if __name__ == "__main__":
    main()
