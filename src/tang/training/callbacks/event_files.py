"""TensorBoard's files as a checkpoint remembers them."""

import os
from collections.abc import Mapping
from pathlib import Path

from pytorch_lightning import Trainer
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

CURVES = "events.out.tfevents.*"
"""What the files are called."""


def curve_sizes(trainer: Trainer) -> dict[str, int]:
    """The sizes of TensorBoard's files in bytes, with all that has been logged so far."""
    if not isinstance(trainer.logger, TensorBoardLogger) or not trainer.is_global_zero:
        return {}
    trainer.logger.experiment.flush()
    sizes = {}
    for path in Path(trainer.logger.log_dir).glob(CURVES):
        with path.open("rb") as file:
            os.fsync(file.fileno())  # no less than the checkpoint says may be there after a power cut
            sizes[path.name] = os.fstat(file.fileno()).st_size
    return sizes


@rank_zero_only
def rewind_curves(folder: Path, sizes: Mapping[str, int]) -> None:
    """Cut off what TensorBoard's files got after they had these sizes, so that a curve has no fold."""
    for path in folder.glob(CURVES):
        if path.name not in sizes or path.is_symlink():  # which would lead out of the folder
            path.unlink()
        elif path.stat().st_size > sizes[path.name]:
            with path.open("r+b") as file:
                file.truncate(sizes[path.name])
