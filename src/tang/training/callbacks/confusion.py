"""Confusion matrices as pictures: which languages are taken for which."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from tang.fonts import label, with_chinese
from tang.runs.run import RunFolder
from tang.tasks.classifier import Classifier
from tang.training.loggers import log_figure


class Confusion(Callback):
    """Shows the confusion matrix after every validation and test; the test's also as ``confusion.png``."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    @rank_zero_only
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, Classifier)
        if trainer.loggers:
            with with_chinese():
                figure = draw(pl_module.val_metrics.confusion, pl_module.languages, "val")
                log_figure(trainer, "confusion/val", figure, trainer.global_step - 1)

    @rank_zero_only
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, Classifier)
        with with_chinese():
            figure = draw(pl_module.test_metrics.confusion, pl_module.languages, "test")
            figure.savefig(self.folder.confusion, dpi=150)
            log_figure(trainer, "confusion/test", figure, trainer.global_step - 1)


def draw(confusion: Tensor, languages: Sequence[str], part: str) -> Figure:
    """Draw counts (languages, languages), each row in percent of its sum."""
    counts = confusion.sum(1, keepdim=True)
    shares = (100 * confusion / counts.clamp(min=1)).cpu().numpy()
    figure = Figure(figsize=(8.5, 7.4), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="viridis", vmin=0, vmax=100)
    languages = list(map(label, languages))
    labels = [f"{language} ({count:.0f})" for language, count in zip(languages, counts.flatten().tolist(), strict=True)]
    axes.set_xticks(range(len(languages)), languages, rotation=90)
    axes.set_yticks(range(len(languages)), labels)
    axes.set(xlabel="taken for", ylabel=f"language (names of the {part} part)")
    for (row, column), share in ((index, shares[index]) for index in zip(*shares.nonzero(), strict=True)):
        if share >= 0.5:
            color = "black" if share > 60 else "white"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=color, fontsize=8)
    figure.colorbar(image, ax=axes, shrink=0.8, label="percent of the row")
    return figure
