"""How well gaps are filled: ``python bench/gaps.py`` from the project's folder.

Line 2 or 3 of held-out quatrains is blanked, in turns, and filled in four ways; ln p of the whole poem is what counts:

=========  =============================================================================
particles  ``sample.py poem=``: 256 particles, the likeliest poem of those found
blind      256 lines drawn from left to right whatever follows, the likeliest whole poem
beam       ``decode=beam beam_size=64``: the likeliest beginnings are kept
people     the line that stands there
=========  =============================================================================

None is told a rhyme, tones or the title.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from tables import RESULTS
from torch import Tensor

from tang import checkpoint
from tang.evaluation.quality import held_out
from tang.generation.beam import search
from tang.generation.particles import fill
from tang.generation.sampling import Decoded, SamplingOptions, decode
from tang.generation.slots import GAP, Layout
from tang.kernels.hardware import keep_memory
from tang.prosody.critique import critique
from tang.tables import markdown
from tang.tasks.poem_model import PoemModel
from tang.text.forms import FORMS, split_lines

TEMPERATURE = 0.8
PARTICLES, BEAM = 256, 64
NAMES = ("particles", "blind", "beam", "people")


def main() -> None:
    parser = argparse.ArgumentParser(description="Gaps filled by particles, blindly, by a beam and by people.")
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
        rows += [{"form": name, "poems": len(poems), **row(found, way)} for way in NAMES]
    print(table := markdown(rows))
    RESULTS.joinpath("gaps.md").write_text(table + "\n", encoding="utf-8")
    RESULTS.joinpath("gaps.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")


def filled(model: PoemModel, layout: Layout, poem: str, number: int) -> dict[str, tuple[float, bool, float]]:
    """Way → ln p of the whole poem, whether it rhymes and keeps its tones, and seconds."""
    lines = split_lines(poem.replace("\n", ""))
    blanked = 1 + number % 2
    lines[blanked] = GAP * layout.form.chars + lines[blanked][-1]
    given = torch.tensor(layout.prompt_ids("".join(lines)))
    whole = torch.tensor(layout.prompt_ids(poem.replace("\n", "")))
    network, mask, random = model.network, layout.mask, np.random.default_rng(number)
    drawn = SamplingOptions(TEMPERATURE)

    def of(rows: Tensor) -> Decoded:
        uniforms = torch.from_numpy(random.random((*rows.shape, 2), dtype=np.float32))
        return decode(network, mask, rows, drawn, uniforms)

    ways: dict[str, Callable[[], Decoded]] = {
        "particles": lambda: fill(network, mask, given, PARTICLES, TEMPERATURE, random).decoded,
        "blind": lambda: of(given.expand(PARTICLES, -1)),
        "beam": lambda: search(network, mask, given[None], BEAM),
        "people": lambda: of(whole[None]),
    }
    results = {}
    for name, way in ways.items():
        begin = time.perf_counter()
        decoded = way()
        seconds = time.perf_counter() - begin
        best = int(decoded.log_likelihood.masked_fill(decoded.dead_end >= 0, float("-inf")).argmax())
        _, text = layout.read(decoded.ids[best].tolist())
        results[name] = float(decoded.log_likelihood[best]), critique(text, model.script).is_regular, seconds
    return results


def row(found: list[dict[str, tuple[float, bool, float]]], way: str) -> dict[str, str]:
    """The table's row of one way."""
    log_p, regular, seconds = zip(*(poem[way] for poem in found), strict=True)
    above = statistics.fmean(poem[way][0] > poem["blind"][0] for poem in found)
    return {
        "filled by": way,
        "ln p of the poem": f"{statistics.fmean(log_p):.1f}",
        "likelier than blind": "" if way == "blind" else f"{above:.0%}",
        "rhyme and tones": f"{statistics.fmean(regular):.0%}",
        "seconds": f"{statistics.fmean(seconds):.2f}",
    }


if __name__ == "__main__":
    main()
