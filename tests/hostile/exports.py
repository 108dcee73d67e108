"""Safetensors files without a valid model of this project."""

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from tang.checkpoint.formats import sha256
from tests.hostile.makers import Cases, Make, language_model, written

NO_CHECKSUM = "0" * 64


def seal(path: Path) -> None:
    """Put the right checksum in place of :data:`NO_CHECKSUM`, if safetensors can read the file at all."""
    with suppress(safetensors.SafetensorError, KeyError), safetensors.safe_open(path, "pt") as file:
        digest = sha256(file.metadata(), {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        path.write_bytes(path.read_bytes().replace(NO_CHECKSUM.encode(), digest.encode()))


def exported(
    change: Callable[[dict[str, Any]], object] | None = None, encode: Callable[[str], str] = str, cut: int = 0
) -> Make:
    """A safetensors file whose header is changed as an object (``change``) or as text (``encode``)."""

    def make(path: Path, marker: Path) -> None:
        model = language_model()
        state = {key: value for key, value in model.state_dict().items() if key != "network.head.weight"}
        described = {key: model.hparams[key] for key in model.saved}
        metadata = {"task": "LanguageModel", "hyper_parameters": json.dumps(described), "sha256": NO_CHECKSUM}
        whole = safetensors.torch.save(state, metadata)
        length = struct.unpack("<Q", whole[:8])[0]
        header = json.loads(whole[8 : 8 + length])
        if change:
            change(header)
        code = encode(json.dumps(header)).encode("utf-8")
        path.write_bytes(struct.pack("<Q", len(code)) + code + whole[8 + length : len(whole) - cut])
        seal(path)

    return make


def described(*keys: str, to: Any) -> Make:
    """A safetensors file with the field at ``keys`` replaced by ``to``."""

    def change(header: dict[str, Any]) -> None:
        fields = json.loads(header["__metadata__"]["hyper_parameters"])
        inner = fields
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        header["__metadata__"]["hyper_parameters"] = json.dumps(fields)

    return exported(change)


def entry(key: str, value: Any) -> Make:
    return exported(lambda header: header["network.head.bias"].update({key: value}))


SAFETENSORS: Cases = {
    "another model's": (
        lambda path, _: safetensors.torch.save_file({"wte.weight": torch.ones(2, 2)}, path, {"format": "pt"}),
        "weights without a model of this project"),
    "a header of 4 GB": (written(struct.pack("<Q", 2**32 - 1) + b"{" + bytes(99)), "header is longer"),
    "a header longer than the file": (written(struct.pack("<Q", 500) + b'{"a":1}'), "can't be read"),
    "a header that isn't JSON": (written(struct.pack("<Q", 9) + b"{nonsense"), "the file can't be read"),
    "a header nested for ever": (exported(encode=lambda text: '{"a":' * 10**5), "the file can't be read"),
    "a header with a key twice": (
        exported(encode=lambda text: '{"__metadata__":{},' + text[1:]), "the file can't be read"),
    "an empty header": (written(struct.pack("<Q", 2) + b"{}"), "weights without a model"),
    "sizes that aren't JSON": (
        exported(lambda header: header["__metadata__"].update(hyper_parameters="{")), "the file can't be read"),
    "sizes that are a list": (
        exported(lambda header: header["__metadata__"].update(hyper_parameters="[]")), "no task, hyper_parameters"),
    "_target_ in safetensors": (described("model", "_target_", to="os.system"), "key _target_"),
    "a negative size in safetensors": (described("model", "hidden_size", to=-1), "model.hidden_size is -1"),
    "NaN in safetensors": (described("model", "dropout", to=float("nan")), "model.dropout is nan"),
    "a half character in safetensors": (described("form", to="\ud840"), r"form is '\\ud840'"),
    "offsets behind the file": (entry("data_offsets", [10**12, 10**12 + 100]), "the file can't be read"),
    "offsets before the file": (entry("data_offsets", [-100, 0]), "the file can't be read"),
    "offsets that aren't numbers": (entry("data_offsets", "ab"), "the file can't be read"),
    "offsets of another tensor": (entry("data_offsets", [0, 100]), "can't be read"),
    "an absurd shape": (entry("shape", [2**40, 2**40]), "the file can't be read"),
    "a shape of truths": (entry("shape", [True]), "the file can't be read"),
    "whole numbers": (entry("dtype", "I32"), "isn't a tensor of floating-point numbers"),
    "a format that is a list": (entry("dtype", []), "can't be read"),
    "another checksum": (exported(lambda header: header["__metadata__"].update(sha256="")), "SHA-256 differs"),
    "cut off": (exported(cut=1), "can't be read"),
    "without fields": (
        exported(lambda header: header["__metadata__"].update(hyper_parameters="{}")), "has no model"),
}  # fmt: skip
