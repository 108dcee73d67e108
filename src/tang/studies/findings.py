"""What a study finds, and where it goes: the screen, TensorBoard, and PNG files."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra
from matplotlib.figure import Figure
from omegaconf import DictConfig, OmegaConf
from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Findings:
    """Of a study."""

    text: str
    """Markdown: tables and what they show."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """By the name of their file, without its ending."""


def conduct(config: DictConfig, folder: Path) -> Findings:
    """Call the function that ``config.study`` (``conf/study.yaml``) names, with the seed and the study's other keys.

    ``folder`` gets ``findings.md``, a PNG for each figure and the events for TensorBoard.

    Raises:
        InputError: a setting or the corpus is wrong.
    """
    settings: Any = OmegaConf.to_container(config.study, resolve=True)
    study = hydra.utils.get_method(settings.pop("_target_"))
    findings: Findings = study(**settings, seed=config.seed)
    (folder / "findings.md").write_text(findings.text + "\n", encoding="utf-8")
    log.info("%s\n", findings.text)
    with SummaryWriter(str(folder)) as writer:
        writer.add_text("findings", findings.text)
        for name, figure in findings.figures.items():
            figure.savefig(folder / f"{name}.png", dpi=150)
            writer.add_figure(name, figure)
            log.info("%s", folder / f"{name}.png")
    return findings
