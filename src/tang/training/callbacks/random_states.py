"""Save and restore the states of all random number generators."""

import logging
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Trainer

log = logging.getLogger(__name__)


def random_states(device: torch.device) -> dict[str, Any]:
    """States of PyTorch's generators (CPU and ``device``), NumPy's and Python's, as plain values and tensors."""
    version, numbers, gauss = random.getstate()
    state: Any = np.random.get_state(legacy=False)
    return {
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state(device)] if device.type == "cuda" else [],
        "numpy": {**state, "state": {**state["state"], "key": state["state"]["key"].tolist()}},
        "python": [version, list(numbers), gauss],
    }


def set_random_states(states: Mapping[str, Any], device: torch.device) -> None:
    """Restore states that :func:`random_states` returned."""
    torch.set_rng_state(states["torch"])
    if device.type == "cuda" and states["cuda"]:
        torch.cuda.set_rng_state(states["cuda"][0], device)
    numpy = states["numpy"]
    np.random.set_state({**numpy, "state": {**numpy["state"], "key": np.array(numpy["state"]["key"], dtype=np.uint32)}})
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))


def of_all_ranks(trainer: Trainer) -> list[dict[str, Any]]:
    """:func:`random_states` of each device's process."""
    own = random_states(trainer.strategy.root_device)
    if trainer.world_size == 1:
        return [own]
    states: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(states, own)
    return states


def resume_random_states(trainer: Trainer, states: Sequence[Mapping[str, Any]]) -> None:
    """Restore this rank's part of :func:`of_all_ranks`; where there were fewer ranks, keep the one it has."""
    if trainer.global_rank < len(states):
        set_random_states(states[trainer.global_rank], trainer.strategy.root_device)
    if len(states) != trainer.world_size:
        log.info(
            "devices: %d until now, %d from here; weights, optimizer and batches go on as they were, to rounding, "
            "but dropout draws other elements",
            len(states),
            trainer.world_size,
        )
