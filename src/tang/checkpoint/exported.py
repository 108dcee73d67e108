"""Models as safetensors: weights, and in the header's metadata task, vocabulary and sizes as JSON.

The format: eight bytes with the header's length, the header in JSON, the weights
(https://huggingface.co/docs/safetensors). The library checks that each tensor's type, shape and place fit together and
into the file. A weight that two layers share is written once. The format has no checksum; the metadata has a SHA-256.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from tang.atomic import atomic_write
from tang.checkpoint.fields import tied
from tang.checkpoint.untrusted import DAMAGED, RefusedError, readable
from tang.tasks.base import Task

MAX_HEADER = 2**22  # Bytes


def write(model: Task, path: Path) -> None:
    """Write the model atomically; OSError if the file can't be written."""
    repeated = tied(model)
    weights = {name: tensor for name, tensor in model.state_dict().items() if name not in repeated}
    fields = {name: model.hparams[name] for name in model.saved}
    encoded = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    metadata = {"task": type(model).__name__, "hyper_parameters": encoded}
    content = safetensors.torch.save(weights, {"format": "pt", **metadata, "sha256": _digest(metadata, weights)})
    atomic_write(path, lambda file: file.write(content))


def _digest(metadata: Mapping[str, str], weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over the task, the fields, and each weight's name, dtype, shape and bytes."""
    tensors = sorted(weights.items())
    described = [(name, str(tensor.dtype), list(tensor.shape)) for name, tensor in tensors]
    digest = hashlib.sha256(json.dumps([metadata["task"], metadata["hyper_parameters"], described]).encode("ascii"))
    for _, tensor in tensors:
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read(path: Path) -> dict[str, Any]:
    """The ``task``, ``hyper_parameters`` and ``state_dict`` of a safetensors file.

    Raises:
        RefusedError: the file is damaged, or another project's.
    """
    with path.open("rb") as start:
        if int.from_bytes(start.read(8), "little") > MAX_HEADER:
            raise RefusedError("its header is longer than any model's", DAMAGED)
    with readable("the file"), safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
        if not {"task", "hyper_parameters", "sha256"} <= set(metadata):
            raise RefusedError("holds weights without a model of this project")
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if _digest(metadata, weights) != metadata["sha256"]:
            raise RefusedError("isn't what was written (the SHA-256 differs)", DAMAGED)
        fields = json.loads(metadata["hyper_parameters"])
    return {"task": metadata["task"], "hyper_parameters": fields, "state_dict": weights}
