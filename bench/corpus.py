"""Time and memory of preparing and loading against corpus size: ``python bench/corpus.py`` from the project's folder.

A corpus of size n holds the files of the 全唐诗 n times: a fraction of them (every fourth, every second), or copies. An
exact copy would be dropped as a duplicate, so each copy but the first replaces all Chinese characters by a random
permutation of its own: lengths, marks, notes and gaps stay the same, and no poem occurs twice. Each size is prepared in
one process and loaded with a warm cache in another:

prepare         raw files → ids on disk, all steps
per million     prepare ÷ millions of characters and marks of clean verse; constant if it scales linearly
memory          peak of the preparing process, and how much of it was in use before (PyTorch, Lightning)
warm start      from the config to the first batch: fingerprint of the corpus, mapping the ids, ordering an epoch
epoch           iterating over all training batches without using them; median of three epochs
padding         its share of all positions of an epoch, maximum of three epochs
"""

import argparse
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import machine
from rich.progress import track
from tables import save

from tang.config.data import PoemsConfig
from tang.corpus.collections import CORPORA
from tang.corpus.fetch import fetch
from tang.data.poems import PoemDataModule
from tang.tables import markdown
from tang.text.forms import HANZI

SIZES = (0.25, 0.5, 1.0, 2.0, 4.0)

Value = TypeVar("Value")


@dataclass(frozen=True)
class Prepared:
    """Cost of preparing a corpus."""

    poems: int
    characters: int
    """Characters and marks of clean verse."""
    seconds: float
    memory: float
    """Peak of the process in MiB."""
    memory_before: float


@dataclass(frozen=True)
class Loaded:
    """Cost of loading a prepared corpus."""

    start: float
    """Seconds."""
    epoch: float
    """Seconds."""
    batches: int
    padding: float
    """Share of all positions."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=SIZES, help="times the corpus")
    parser.add_argument("--dir", type=Path, default=Path("data/tang"), help="where the 全唐诗 is, or goes")
    parser.add_argument("--max-length", type=int, help="cut poems after so many characters")
    options = parser.parse_args()
    files = fetch(CORPORA["tang"], options.dir)
    rows = []
    for size in track(options.sizes, "Preparing"):
        with tempfile.TemporaryDirectory() as name:
            corpus, cache = Path(name) / "corpus", Path(name) / "prepared"
            alone(write, files, size, corpus)  # in a process of its own, so that its memory doesn't count
            prepared = alone(prepare, corpus, cache, options.max_length)
            loaded = alone(load, corpus, cache, options.max_length)
        rows.append({"size": size, **asdict(prepared), **asdict(loaded)})
    save("corpus", "cpu", {"max_length": options.max_length, "rows": rows}, markdown([shown(row) for row in rows]))


def write(files: list[Path], size: float, folder: Path) -> None:
    """Write a corpus of ``size`` times ``files`` to ``folder``."""
    folder.mkdir()
    texts = [file.read_text(encoding="utf-8") for file in files]
    characters = sorted(re.findall(f"[{HANZI}]", "".join(set().union(*texts))))
    for number in range(max(1, round(size))):
        stand_for = random.Random(number).sample(characters, len(characters)) if number else characters
        permutation = str.maketrans(dict(zip(characters, stand_for, strict=True)))
        for file, text in list(zip(files, texts, strict=True))[:: max(1, round(1 / size))]:
            (folder / f"{number}.{file.name}").write_text(text.translate(permutation), encoding="utf-8")


def alone(function: Callable[..., Value], *arguments: object) -> Value:
    """Call ``function`` in a new process; return its result."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def prepare(corpus: Path, cache: Path, max_length: int | None) -> Prepared:
    """Prepare a corpus with an empty cache."""
    before = machine.peak_memory("cpu")
    begin = time.perf_counter()
    card = module(corpus, cache, max_length).card
    seconds = time.perf_counter() - begin
    return Prepared(card.poems, sum(card.characters.values()), seconds, machine.peak_memory("cpu"), before)


def load(corpus: Path, cache: Path, max_length: int | None) -> Loaded:
    """Load a prepared corpus, then iterate over three epochs."""
    begin = time.perf_counter()
    loader = module(corpus, cache, max_length).loader("train")
    next(iter(loader))
    start = time.perf_counter() - begin
    seconds, padding = [], []
    for epoch in range(3):
        loader.set_epoch(epoch)
        begin = time.perf_counter()
        positions = sum(batch.targets.numel() for batch in loader)
        seconds.append(time.perf_counter() - begin)
        padding.append(1 - int(loader.sequences.lengths.sum()) / positions)
    return Loaded(start, statistics.median(seconds), len(loader), max(padding))


def module(corpus: Path, cache: Path, max_length: int | None) -> PoemDataModule:
    return PoemDataModule(PoemsConfig(source="text", path=str(corpus), cache=str(cache), max_length=max_length))


def shown(row: dict[str, float]) -> dict[str, str]:
    """A row of the printed table."""
    return {
        "× the 全唐诗": f"{row['size']:g}",
        "clean poems": f"{row['poems']:,}",
        "characters": f"{row['characters']:,}",
        "prepare, s": f"{row['seconds']:.1f}",
        "per million, s": f"{1e6 * row['seconds'] / row['characters']:.2f}",
        "memory, MiB": f"{row['memory']:.0f}",
        "of it before": f"{row['memory_before']:.0f}",
        "warm start, s": f"{row['start']:.2f}",
        "epoch, s": f"{row['epoch']:.3f}",
        "a batch, µs": f"{1e6 * row['epoch'] / row['batches']:.0f}",
        "padding": f"{row['padding']:.2%}",
    }


if __name__ == "__main__":
    main()
