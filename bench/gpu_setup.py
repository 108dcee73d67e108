"""How much ``bench/gpu.py`` measures, of what, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import ours
from work import Work


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    hidden_size: int
    layers: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    warmup: int
    """Untimed steps."""
    steps: int
    """Timed steps, an epoch at most."""
    seeds: tuple[int, ...]
    whole: tuple[str, ...]
    """Overrides of whole trainings."""


FULL = Sizes(512, (1, 2), (64, 256, 1024), 20, 100, (1, 2, 3), ())

SHORT = ("model.hidden_size=16", "trainer.max_epochs=1", "trainer.limit_test_batches=2")
TINY = Sizes(16, (1,), (8,), 1, 3, (1,), (*SHORT, "data.max_train=200", "data.max_val=40"))
"""Sizes that show in a minute whether everything runs, on a CPU too."""


@dataclass(frozen=True)
class Setup:
    """The device, the sizes, overrides that choose the corpus, and a folder for what is left behind."""

    device: str
    sizes: Sizes
    source: tuple[str, ...]
    folder: Path

    def work(self, layers: int, batch_size: int) -> Work:
        """The training whose steps are measured."""
        model = [f"model.hidden_size={self.sizes.hidden_size}", f"model.num_layers={layers}", "optimizer=adamw"]
        work = self.planned([*(self.source or ["data=tang"]), *model, f"data.batch_size={batch_size}"])
        steps = min(self.sizes.steps, work.batches - self.sizes.warmup)
        return replace(work, warmup=self.sizes.warmup, steps=steps)

    def planned(self, overrides: Sequence[str]) -> Work:
        """The training that ``src/train.py`` would do."""
        return ours.planned([*overrides, f"trainer.accelerator={self.device}"], self.folder, 0, self.device)

    def whole(self, experiment: str, *overrides: str) -> list[str]:
        """Overrides of a whole training."""
        return [f"experiment={experiment}", *self.source, *self.sizes.whole, *overrides]
