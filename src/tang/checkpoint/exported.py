"""Models as safetensors: weights, and in the header task, vocabulary and sizes as JSON.

The format: eight bytes that say how long the header is, the header in JSON, the weights
(https://huggingface.co/docs/safetensors). A weight that stands twice in the model is written once. The format has
no checksums; the header has one of ours.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from tang.atomic import atomic_write
from tang.checkpoint.content import DAMAGED, Content, Declared, RefusedError, check_plain, check_shape, readable, shown
from tang.checkpoint.fields import tied
from tang.tasks.base import Task

MAX_HEADER = 2**22
"""Bytes."""

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def write(model: Task, path: Path) -> None:
    """Write the model whole or not at all.

    Raises:
        OSError: it can't be written.
    """
    again = tied(model)
    weights = {name: tensor for name, tensor in model.state_dict().items() if name not in again}
    fields = {name: model.hparams[name] for name in model.saved}
    described = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    header = {"task": type(model).__name__, "hyper_parameters": described}
    content = safetensors.torch.save(weights, {"format": "pt", **header, "sha256": _digest(header, weights)})
    atomic_write(path, lambda file: file.write(content))


def _digest(metadata: Mapping[str, str], weights: Mapping[str, Tensor]) -> str:
    """What changes with the task, with any field, and with any weight's name, format, shape or bits."""
    tensors = sorted(weights.items())
    said = [metadata["task"], metadata["hyper_parameters"], [(n, str(t.dtype), list(t.shape)) for n, t in tensors]]
    digest = hashlib.sha256(json.dumps(said).encode("ascii"))
    for _, tensor in tensors:
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def is_one(head: bytes) -> bool:
    """Whether a file that begins with these nine bytes can be of this format: a header of less than 4 GB."""
    return head[4:9] == b"\0\0\0\0{"


def read(path: Path) -> Content:
    """The model in ``path``.

    Raises:
        RefusedError: it is broken, or another project's.
    """
    file_size = path.stat().st_size
    with path.open("rb") as file, readable("the header"):
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(MAX_HEADER, file_size - 8):
            raise RefusedError("its header is longer than any model's, or than the file", DAMAGED)
        header = _json(file.read(length).decode("utf-8"))
        metadata = header.pop("__metadata__", None) or {}
        if not {"task", "hyper_parameters", "sha256"} <= set(metadata):
            raise RefusedError("holds weights without a model of this project")
        room = file_size - 8 - length
        values = {
            "task": metadata["task"],
            "hyper_parameters": _json(metadata["hyper_parameters"]),
            "state_dict": {name: _declared(entry, room) for name, entry in header.items()},
        }
    check_plain(values, file_size)
    return Content(values, lambda: _load(path, values, metadata))


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_distinct)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    distinct = dict(pairs)
    if len(distinct) < len(pairs):
        raise RefusedError("its header has a key twice")
    return distinct


def _declared(entry: dict[str, Any], room: int) -> Declared:
    check_shape(entry["shape"])
    if entry["dtype"] not in DTYPES:
        raise RefusedError(f"holds numbers of the format {shown(entry['dtype'])}")
    tensor = Declared(DTYPES[entry["dtype"]], tuple(entry["shape"]))
    start, end = entry["data_offsets"]
    if type(start) is not int or not 0 <= start == end - tensor.nbytes <= room - tensor.nbytes:
        raise RefusedError("a tensor isn't where the header says", DAMAGED)
    return tensor


def _load(path: Path, values: dict[str, Any], metadata: dict[str, str]) -> dict[str, Any]:
    with readable("the weights"), safetensors.safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in values["state_dict"]}
        if _digest(metadata, weights) != metadata["sha256"]:
            raise RefusedError("isn't what was written (the SHA-256 differs)", DAMAGED)
        return {**values, "state_dict": weights}
