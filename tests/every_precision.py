"""The outcome of every cell, backend and precision on this CPU, script by script: ``python -m tests.every_precision``.

PyTorch and oneDNN can be made to do without a processor's newer units, as on one that has none::

    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python -m tests.every_precision
"""

import itertools
import json
import logging
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from tang import checkpoint
from tang.config.train import TrainConfig
from tang.errors import InputError
from tang.evaluation.perplexity import measure_perplexity
from tang.generation.generate import generate
from tang.generation.request import Request
from tang.kernels.hardware import BF16_MIXED, has_bf16_units, torch_trains_lstm
from tang.recurrent import cells as recurrent_cells
from tang.recurrent.stack import BACKENDS
from tang.runs.run import RunFolder
from tang.tables import markdown
from tang.tasks.language_model import LanguageModel
from tang.tasks.report_cells import REPORT_CELLS
from tang.training import run as training
from tests.conftest import verses, write_names
from tests.test_config import settings

PRECISIONS = ["32-true", "64-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true"]
"""Lightning's, but for NVIDIA's transformer engine."""

SMALL = [
    *("model.hidden_size=8", "trainer.max_steps=2", "trainer.accelerator=cpu"),
    *("logger=none", "trainer.enable_progress_bar=false", "trainer.enable_model_summary=false"),
]

RUNS = "runs"


@dataclass(frozen=True)
class Row:
    """The outcome of one combination."""

    script: str
    cell: str
    backend: str
    precision: str
    outcome: str
    """:data:`RUNS`, the line that refuses it, or where it broke."""


def outcome(work: Callable[..., object], *arguments: object) -> str:
    """The outcome of calling ``work``."""
    try:
        work(*arguments)
    except InputError as error:
        return str(error)
    except Exception:
        return traceback.format_exc()
    return RUNS


def rows(folder: Path) -> Iterator[Row]:
    """All combinations; ``folder`` is empty."""
    (folder / "poems.txt").write_text("\n".join(verses(60)), encoding="utf-8")
    write_names(folder / "names")
    poems = settings(
        "data=text",
        f"data.path='{folder / 'poems.txt'}'",
        f"data.cache='{folder / 'cache'}'",
        "data.min_count=1",
        "model.num_layers=2",
        *SMALL,
    )
    names = settings("experiment=names_lstm", f"data.path='{folder / 'names'}'", *SMALL)
    every = [*itertools.product(recurrent_cells.names(), ["auto", "torch", *BACKENDS], PRECISIONS)]
    fewer = [*itertools.product(["lstm", *REPORT_CELLS], ["auto", "torch"], PRECISIONS)]  # the stack is the same
    models: dict[str, LanguageModel] = {}
    for script, config, combinations in (("train", poems, every), ("train, names", names, fewer)):
        for cell, backend, precision in combinations:
            run = folder / f"{script} {cell} {backend} {precision}"
            yield Row(script, cell, backend, precision, outcome(train, config, run, cell, backend, precision))
            if script == "train" and cell not in models:
                models[cell] = checkpoint.load(RunFolder(run).best, LanguageModel)
    for cell, model in models.items():
        for precision in ("32-true", "bf16-mixed"):
            yield Row("sample", cell, "any", precision, outcome(sample, model, precision))
        for precision in ("32-true", "64-true", "bf16-mixed"):
            found = outcome(measure_perplexity, model, model.data_module(), "val", precision)
            yield Row("evaluate", cell, "any", precision, found)


def train(config: TrainConfig, folder: Path, cell: str, backend: str, precision: str) -> None:
    """Two steps, validation, test and checkpoints."""
    folder.mkdir()
    model, trainer = replace(config.model, cell=cell, backend=backend), replace(config.trainer, precision=precision)
    training.train(replace(config, model=model, trainer=trainer), RunFolder(folder), is_sweep=True)


def sample(model: LanguageModel, precision: str) -> None:
    """A poem."""
    generate(model, Request(start=["日"], precision=precision))


def table(found: Sequence[Row]) -> str:
    """In Markdown, with the lines that refuse below it."""
    lines = list(dict.fromkeys(row.outcome for row in found if row.outcome != RUNS))
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in found:
        cells.setdefault((row.script, row.cell, row.backend), {})[row.precision] = (
            RUNS if row.outcome == RUNS else f"({lines.index(row.outcome) + 1})"
        )
    body = [{"": script, "cell": c, "backend": b, **outcomes} for (script, c, b), outcomes in cells.items()]
    return "\n".join([markdown(body), "", *(f"({number}) {line}" for number, line in enumerate(lines, start=1))])


def main() -> None:
    torch.set_num_threads(1)
    logging.disable()
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as folder:
        found = list(rows(Path(folder)))
    if "--json" in sys.argv:
        units = {"has_bf16_units": has_bf16_units(), "torch_trains_lstm": torch_trains_lstm(BF16_MIXED)}
        print(json.dumps({**units, "rows": [asdict(row) for row in found]}))
    else:
        print(table(found))


if __name__ == "__main__":
    main()
