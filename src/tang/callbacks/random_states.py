"""The states of all random number generators, as a checkpoint has them."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Trainer


def random_states() -> dict[str, Any]:
    """Those of PyTorch, NumPy and Python, as plain values and tensors."""
    version, numbers, gauss = random.getstate()
    state: Any = np.random.get_state(legacy=False)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "numpy": {**state, "state": {**state["state"], "key": state["state"]["key"].tolist()}},
        "python": [version, list(numbers), gauss],
    }


def set_random_states(states: Mapping[str, Any]) -> None:
    """Go on with what :func:`random_states` returned."""
    torch.set_rng_state(states["torch"])
    if len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
    numpy = states["numpy"]
    np.random.set_state({**numpy, "state": {**numpy["state"], "key": np.array(numpy["state"]["key"], dtype=np.uint32)}})
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))


def of_all_ranks(trainer: Trainer) -> list[dict[str, Any]]:
    """:func:`random_states` of each device's process."""
    if trainer.world_size == 1:
        return [random_states()]
    states: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(states, random_states())
    return states
