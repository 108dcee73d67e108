"""What each ingredient of the recipe is worth on the quatrains: alone, and left out of the recipe.

``python bench/ablation.py`` from the project's folder: 3 seeds, 8 epochs each. A run is a process of its own; started
again, the script runs what is missing. Differences in val/loss are paired by seed.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

from rich.progress import track
from tables import RESULTS

from tang.reporting.significance import interval
from tang.runs.run import RunFolder
from tang.tables import markdown

FOLDER = Path("outputs/ablation")
BASE = ("data=quatrains", "trainer.max_epochs=8", "callbacks.early_stopping.patience=null")

ECHOES = ("model.echo_size=16",)
INGREDIENTS = {  # Name → its keys
    "the place in the line alone": (*ECHOES, "model.echo_lines=0"),
    "echoes of one line": (*ECHOES, "model.echo_lines=1"),
    "echoes of two lines": ECHOES,
    "echoes, to the head too": (*ECHOES, "model.echo_to_head=true"),
    "locked dropout": ("model.locked_dropout=true",),
    "dropout of embeddings, 0.1": ("model.embedding_dropout=0.1",),
    "dropout of recurrent weights, 0.2": ("model.weight_dropout=0.2",),
    "activation regularization, 2 and 1": ("model.activation_penalty=2", "model.temporal_penalty=1"),
    "head begins at log unigrams": ("model.unigram_bias=true",),
    "average of weights, 0.99": ("callbacks.ema_decay=0.99",),
}
RECIPE = ("echoes of two lines", "locked dropout", "activation regularization, 2 and 1")  # Those that pay alone


def keys(ingredients: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of ingredients together; a later value of a key stands in for an earlier one."""
    given = dict(key.split("=") for key in (*BASE, *(key for name in ingredients for key in INGREDIENTS[name])))
    return tuple(f"{key}={value}" for key, value in given.items())


def val_loss(overrides: tuple[str, ...], seed: int) -> float:
    """The lowest val/loss of a training, which is run unless its folder has a result."""
    varied = (key.partition("=") for key in overrides if key not in BASE)
    name = ",".join(f"{key.rpartition('.')[2]}={value}" for key, _, value in varied)
    folder = RunFolder(FOLDER / f"{name or 'base'},seed={seed}")
    if not folder.is_finished:
        command = [sys.executable, "src/train.py", *overrides, f"seed={seed}", f'hydra.run.dir="{folder.path}"']
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    result = folder.read_result()
    assert result, f"{folder.path} has no result"
    return result.val_loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(1, parser.parse_args().seeds + 1)
    planned: dict[str, tuple[str, ...]] = {"base": (), **{name: (name,) for name in INGREDIENTS}, "recipe": RECIPE}
    planned |= {f"without {name}": tuple(other for other in RECIPE if other != name) for name in RECIPE}
    losses = {
        name: [val_loss(keys(ingredients), seed) for seed in seeds]
        for name, ingredients in track(planned.items(), "Training")
    }
    rows = [row("nothing of it", losses["base"]), row("the whole recipe", losses["recipe"], losses["base"])]
    rows += [row(name, losses[name], losses["base"]) for name in INGREDIENTS]
    rows += [row(f"the recipe without {name}", losses[f"without {name}"], losses["recipe"]) for name in RECIPE]
    print(table := markdown(rows))
    RESULTS.joinpath("ablation.md").write_text(table + "\n", encoding="utf-8")
    RESULTS.joinpath("ablation.json").write_text(json.dumps(losses, ensure_ascii=False, indent=1), encoding="utf-8")


def row(name: str, losses: list[float], beside: list[float] | None = None) -> dict[str, str]:
    """A row of the table: perplexity, and the difference in val/loss to ``beside``."""
    found = {"": name, "val ppl": f"{math.exp(statistics.fmean(losses)):.1f}", "val/loss": "", "interval of 95 %": ""}
    if beside:
        differences = [one - other for one, other in zip(losses, beside, strict=True)]
        low, high = interval(differences)
        found |= {"val/loss": f"{statistics.fmean(differences):+.3f}", "interval of 95 %": f"{low:+.3f} to {high:+.3f}"}
    return found


if __name__ == "__main__":
    main()
