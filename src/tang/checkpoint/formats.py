"""The two formats that models come in: PyTorch's checkpoints and safetensors. None of a file's code is run.

A checkpoint is a zip archive of ``data.pkl`` and one record for each tensor's memory, uncompressed, with a CRC-32.
An exported model is safetensors: eight bytes with the header's length, the header in JSON, the weights
(https://huggingface.co/docs/safetensors). The library checks that each tensor's type, shape and place fit together and
into the file. The header's metadata has the task, its fields as JSON, and a SHA-256, since the format has no checksum;
a weight that two layers share is written once.
"""

import hashlib
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from tang.checkpoint.fields import tied
from tang.checkpoint.untrusted import DAMAGED, UNSAFE, RefusedError, check_keys, readable, shown

MAX_PICKLE = 2**22  # Bytes of a record that holds no tensor; data.pkl of a model of 10,000 characters has 150,000
MAX_HEADER = 2**22  # Bytes of safetensors' header


def read(path: Path) -> dict[str, Any]:
    """The content of a file: plain data, and tensors, which stay in a checkpoint's file, mapped into memory.

    A RefusedError if the file is damaged, of neither format, or holds objects or keys that would import something.
    """
    if path.exists() and not path.is_file():
        raise RefusedError("is not a regular file")
    with path.open("rb") as file:
        head = file.read(9)
    if not head:
        raise RefusedError("is empty", DAMAGED)
    if head.startswith(b"PK\3\4"):
        if path.suffix == ".safetensors":  # torch.load would take it for one
            raise RefusedError("is named .safetensors, but a PyTorch checkpoint", "rename it to .ckpt")
        content = _read_archive(path)
    elif head[4:] == b"\0\0\0\0{":  # a header of less than 4 GB
        content = _read_safetensors(path, int.from_bytes(head[:8], "little"))
    else:
        raise RefusedError("is neither a PyTorch checkpoint (a zip archive) nor safetensors")
    check_keys(content)
    return content


def _read_archive(path: Path) -> dict[str, Any]:
    with readable("the archive"):
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            _check_records(archive, path.stat().st_size)
            if damaged := archive.testzip():
                raise RefusedError(f"its {damaged.partition('/')[2]} isn't what was written (the CRC differs)", DAMAGED)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an odd file is refused in one line
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except pickle.UnpicklingError as error:  # its message advises to load the file without weights_only
            names = re.search(r"GLOBAL ([\w.]+)", str(error))
            found = f"names {names[1]}" if names else "holds objects"
            raise RefusedError(f"{found}, where a checkpoint holds plain data and tensors alone", UNSAFE) from error
    if not isinstance(content, dict):
        raise RefusedError(f"holds {shown(content)}")
    return content


def _check_records(archive: zipfile.ZipFile, file_size: int) -> None:
    """Refuse records that are compressed or larger than the file, and names that differ only in case."""
    records = archive.infolist()
    names = {record.filename.lower() for record in records}
    if not any(name.endswith("/data.pkl") for name in names):
        raise RefusedError("has no data.pkl: another kind of zip archive")
    if len(names) < len(records) or len({name.partition("/")[0] for name in names}) > 1:
        raise RefusedError("has a record twice, or several folders", UNSAFE)
    if min(record.header_offset for record in records) > 0:  # zipfile and PyTorch would read different ones
        raise RefusedError("holds two archives", DAMAGED)
    for record in records:
        name = record.filename.partition("/")[2][:60]
        if record.compress_type != zipfile.ZIP_STORED or record.compress_size != record.file_size:
            raise RefusedError(f"its {name} is compressed, and could unpack to any size", UNSAFE)
        if record.file_size > MAX_PICKLE and not name.startswith("data/"):
            raise RefusedError(f"its {name} has {record.file_size:,} bytes, more than any checkpoint's")
    if sum(record.file_size for record in records) > file_size:
        raise RefusedError("claims to hold more than the file has", DAMAGED)


def _read_safetensors(path: Path, header_size: int) -> dict[str, Any]:
    if header_size > MAX_HEADER:
        raise RefusedError("its header is longer than any model's", DAMAGED)
    with readable("the file"), safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
        if not {"task", "hyper_parameters", "sha256"} <= set(metadata):
            raise RefusedError("holds weights without a model of this project")
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if sha256(metadata, weights) != metadata["sha256"]:
            raise RefusedError("isn't what was written (the SHA-256 differs)", DAMAGED)
        fields = json.loads(metadata["hyper_parameters"])
    return {"task": metadata["task"], "hyper_parameters": fields, "state_dict": weights}


def as_safetensors(model: Any, dtype: torch.dtype = torch.float32) -> bytes:
    """The model as the content of a safetensors file."""
    repeated = tied(model)
    weights = {name: tensor.to(dtype) for name, tensor in model.state_dict().items() if name not in repeated}
    fields = {name: model.hparams[name] for name in model.saved}
    encoded = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    metadata = {"format": "pt", "task": model.task, "hyper_parameters": encoded}
    return safetensors.torch.save(weights, {**metadata, "sha256": sha256(metadata, weights)})


def sha256(metadata: Mapping[str, str], weights: Mapping[str, Tensor]) -> str:
    """The digest of the task, the fields, and each weight's name, dtype, shape and bytes."""
    tensors = sorted(weights.items())
    described = [(name, str(tensor.dtype), list(tensor.shape)) for name, tensor in tensors]
    digest = hashlib.sha256(json.dumps([metadata["task"], metadata["hyper_parameters"], described]).encode("ascii"))
    for _, tensor in tensors:
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
