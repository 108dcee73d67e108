"""Checkpoints: plain data, read with ``weights_only``."""

import logging
from pathlib import Path
from typing import Any

import torch

from tang.errors import InputError
from tang.tasks.language_model import LanguageModel

log = logging.getLogger(__name__)

OUTPUTS = Path("outputs")


def find(ckpt: str, key: str = "ckpt") -> Path:
    """The file that ``key=ckpt`` means: a path, or ``latest`` for the newest run's best.

    Raises:
        InputError: there is no such file.
    """
    if ckpt == "latest":
        found = sorted(OUTPUTS.rglob("checkpoints/best.ckpt"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise InputError(
                f"{key}=latest: no checkpoints/best.ckpt below {OUTPUTS}/; train first (python src/train.py)"
            )
        log.info("%s=latest: %s", key, found[-1])
        return found[-1]
    try:
        path = Path(ckpt).expanduser()
        if path.is_file():
            return path
        problem = "this is a folder; give a file in it" if path.is_dir() else "no such file"
    except (OSError, RuntimeError) as error:  # a name too long, a home that isn't there
        problem = str(error)
    raise InputError(f"{key}={ckpt}: {problem}")


def load(path: Path) -> LanguageModel:
    """The language model in a checkpoint, on the CPU, in evaluation mode.

    Raises:
        InputError: the file is no checkpoint of this project.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        parameters = content["hyper_parameters"]
        model = LanguageModel(**{name: parameters[name] for name in ("model", "vocabulary", "data", "corpus", "form")})
        model.load_state_dict(content["state_dict"])
    except Exception as error:  # unpickling broken bytes can raise anything
        raise InputError(
            f"{path}: not a checkpoint of this project, or a broken one ({type(error).__name__})"
        ) from error
    return model.eval()
