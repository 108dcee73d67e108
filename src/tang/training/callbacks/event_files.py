"""Sizes of TensorBoard's event files at a checkpoint, so that a resumed run can cut off what was logged after it."""

import os
from collections.abc import Mapping

from pytorch_lightning import Trainer
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

from tang.runs.run import RunFolder


def event_file_sizes(trainer: Trainer, folder: RunFolder) -> dict[str, int]:
    """File name → bytes, with everything logged so far written to disk."""
    writers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    if not writers or not trainer.is_global_zero:
        return {}
    for logger in writers:
        logger.experiment.flush()
    sizes = {}
    for path in folder.events:
        with path.open("rb") as file:
            os.fsync(file.fileno())  # no less than the checkpoint says may be there after a power cut
            sizes[path.name] = os.fstat(file.fileno()).st_size
    return sizes


@rank_zero_only
def rewind_event_files(folder: RunFolder, sizes: Mapping[str, int]) -> None:
    """Cut the event files back to these sizes, so that a curve has no fold; remove newer files."""
    for path in folder.events:
        if path.name not in sizes or path.is_symlink():  # which would lead out of the folder
            path.unlink()
        elif path.stat().st_size > sizes[path.name]:
            with path.open("r+b") as file:
                file.truncate(sizes[path.name])
