"""The result of a study, and where it goes: screen, TensorBoard, Markdown and PNG files."""

import logging
from pathlib import Path
from typing import NamedTuple

import hydra
from matplotlib.figure import Figure
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
