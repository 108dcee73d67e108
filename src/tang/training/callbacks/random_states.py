"""Save and restore the states of all random number generators."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Trainer


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
