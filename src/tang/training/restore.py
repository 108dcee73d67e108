"""Lightning's way of giving a run the states of a checkpoint, with one line for what this run wouldn't have saved.

Lightning believes what it restores: it takes a file's values for attributes as they are, and fails batches later. Here
the states are first held against those that the run's own loops and callbacks have before they are restored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytorch_lightning.trainer.call import _call_callbacks_state_dict
from pytorch_lightning.trainer.connectors.checkpoint_connector import _CheckpointConnector
from pytorch_lightning.trainer.states import TrainerFn

from tang.checkpoint.content import difference
from tang.checkpoint.states import REMEDY
from tang.errors import InputError

LOADER = {"epoch": 0, "handed_out": 0}
"""The state of a :class:`tang.data.batches.BatchLoader`."""


class Restoring(_CheckpointConnector):
    """Restores as Lightning does.

    Raises:
        InputError: a state isn't one of this run's, or can't be restored.
    """

    def _restore_modules_and_callbacks(self, checkpoint_path: Any = None, weights_only: bool | None = None) -> None:
        with self._in_one_line(checkpoint_path):
            super()._restore_modules_and_callbacks(checkpoint_path, weights_only)

    def restore_callbacks(self) -> None:
        given = self._loaded_checkpoint.get("callbacks", {})
        own = {key: state for key, state in _call_callbacks_state_dict(self.trainer).items() if key in given}
        self._check({key: given[key] for key in own}, own, "callbacks")
        super().restore_callbacks()

    def restore_training_state(self) -> None:
        with self._in_one_line(self._ckpt_path):
            if self._loaded_checkpoint and self.trainer.state.fn == TrainerFn.FITTING:
                fit_loop = self.trainer.fit_loop.state_dict()
                fit_loop["state_dict"]["combined_loader"] = [LOADER]
                self._check(self._loaded_checkpoint["loops"].get("fit_loop"), fit_loop, "loops.fit_loop")
                scaler = type(self.trainer.precision_plugin).__qualname__
                if scaler in self._loaded_checkpoint:
                    self._check(self._loaded_checkpoint[scaler], self.trainer.precision_plugin.state_dict(), scaler)
            super().restore_training_state()

    def _check(self, given: Any, own: Any, where: str) -> None:
        if wrong := difference(given, own, where):
            raise InputError(f"{self._ckpt_path}: {wrong} isn't what this run has there; {REMEDY}")

    @staticmethod
    @contextmanager
    def _in_one_line(path: Any) -> Iterator[None]:
        try:
            yield
        except (InputError, OSError):
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise InputError(
                f"{path}: can't be gone on from ({reason}); give a run with a last.ckpt of its own"
            ) from error
