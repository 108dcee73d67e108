"""The result of a study, where it goes (screen, TensorBoard, Markdown, PNG files), and parts of its figures."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

import hydra
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch.utils.tensorboard import SummaryWriter

from tang.config.studies import StudyConfig

log = logging.getLogger(__name__)


class Findings(NamedTuple):
    """The result of a study."""

    text: str  # Markdown: tables and their explanation
    figures: dict[str, Figure]  # File name without its extension → figure


def conduct(config: StudyConfig, folder: Path) -> None:
    """Run the study that ``config.study`` names, and write ``findings.md``, PNG and event files to ``folder``."""
    study = hydra.utils.get_method(config.study._target_)
    findings: Findings = study(config.study, config.seed)
    (folder / "findings.md").write_text(findings.text + "\n", encoding="utf-8")
    log.info("%s\n", findings.text)
    with SummaryWriter(str(folder)) as writer:
        writer.add_text("findings", findings.text)
        for name, figure in findings.figures.items():
            figure.savefig(folder / f"{name}.png", dpi=150)
            writer.add_figure(name, figure)
            log.info("%s", folder / f"{name}.png")


def finish_curves(figure: Figure, columns: int) -> None:
    """Add grids, and below the axes a legend of the first's curves; labels stay on the outer axes alone."""
    for axes in figure.axes:
        axes.grid(alpha=0.3)
        axes.label_outer()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def heat_map(
    axes: Axes, values: np.ndarray, labels: list[str], digits: int, shades: np.ndarray, dark: float, **colors: Any
) -> AxesImage:
    """Draw ``values`` (rows, columns) with ``digits`` decimals on ``shades`` of that shape; NaN leaves a cell empty.

    Numbers are white where |shade| > ``dark``. ``labels`` name the rows; ``colors`` go to ``imshow``.
    """
    image = axes.imshow(shades, aspect="auto", **colors)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = "white" if abs(shades[row, column]) > dark else "black"
            axes.text(column, row, f"{value:.{digits}f}", ha="center", va="center", color=color)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    return image
