"""Programs of ``data.pkl`` that would run code or allocate memory."""

import io
import os
import pickle
import struct
import tarfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.hostile.archives import archive
from tests.hostile.makers import Cases, Make, changed, content_of, hyper, language_model, saved, weights


class Bomb:
    """An object that calls a function when the pickle module reads it."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def bombs(path: Path, marker: Path) -> dict[str, Any]:
    """The content of a checkpoint with code in a field."""
    content: dict[str, Any] = content_of(language_model())
    content["hyper_parameters"]["corpus"] = Bomb(exec, f"import os; os.mkdir({str(marker)!r})")
    return content


def program(*operations: bytes) -> Make:
    """A checkpoint whose ``data.pkl`` consists of these opcodes."""
    code = b"\x80\x02" + b"".join(operations) + b"."
    return lambda path, marker: archive(path, {"a/data.pkl": code, "a/data/0": bytes(64), "a/version": b"3\n"})


def name(module: bytes, function: bytes) -> bytes:
    return b"c" + module + b"\n" + function + b"\n"


def text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def number(value: int) -> bytes:
    encoded = pickle.encode_long(value)
    return b"\x8a" + bytes([len(encoded)]) + encoded


def storage(numel: int, kind: bytes = b"FloatStorage") -> bytes:
    return b"(" + text("storage") + name(b"torch", kind) + text("0") + text("cpu") + number(numel) + b"tQ"


def tensor(shape: bytes, stride: bytes, numel: int = 16, offset: int = 0) -> bytes:
    """A tensor in the 64 bytes of ``data/0``."""
    hooks = name(b"collections", b"OrderedDict") + b")R"
    rebuild = name(b"torch._utils", b"_rebuild_tensor_v2")
    return rebuild + b"(" + storage(numel) + number(offset) + shape + stride + b"\x89" + hooks + b"tR"


def tuple_of(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def plain(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(bombs(path, marker)))


def legacy_tar(path: Path, marker: Path) -> None:
    """PyTorch's first format: a tar with pickles."""
    with tarfile.open(path, "w") as file:
        for entry in ("storages", "tensors", "pickle"):
            code = pickle.dumps(Bomb(exec, f"import os; os.mkdir({str(marker)!r})"), protocol=2)
            information = tarfile.TarInfo(entry)
            information.size = len(code)
            file.addfile(information, io.BytesIO(code))


DOUBLING = (
    b"()q\0" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(60)) + b"t"
)
"""(t, t) of (t, t) … sixty times: 2⁶⁰ tuples for code that visits each; memo 60 is the last."""


CODE: Cases = {
    "os.system": (lambda path, marker: torch.save(Bomb(os.system, f"touch {marker}"), path), r"names \w+\.system, "),
    "exec among the sizes": (lambda path, marker: torch.save(bombs(path, marker), path), r"names [\w.]*exec, .*don't"),
    "exec, PyTorch's format before 1.6": (
        lambda path, marker: torch.save(bombs(path, marker), path, _use_new_zipfile_serialization=False), "neither"),
    "exec in a pickle": (plain, "neither a PyTorch checkpoint"),
    "exec in PyTorch's first format": (legacy_tar, "neither a PyTorch checkpoint"),
    "exec, protocol 4": (
        lambda path, marker: archive(path, {"a/data.pkl": pickle.dumps(bombs(path, marker), 4)}), "can't be read"),
    "a class that PyTorch allows": (program(name(b"torch", b"FloatTensor"), number(2**40), b"\x85R"), "more memory"),
    "a terabyte of bytearray": (program(name(b"builtins", b"bytearray"), number(2**40), b"\x85R"), "more memory"),
    "protocol 4": (lambda path, _: archive(path, {"a/data.pkl": b"\x80\4N."}), "can't be read"),
    "a codec": (program(name(b"_codecs", b"encode"), text("a"), text("hex"), b"\x86R"), "can't be read"),
    "a tensor subclass": (program(name(b"torch._tensor", b"_rebuild_from_type_v2"), b")R"), "can't be read"),
    "a device": (program(name(b"torch", b"device"), text("cuda"), b"\x85R"), "holds a device"),
    "a name with control characters": (program(name(b"o\x1b[2J", b"x")), "names"),
    "a call of a storage": (program(name(b"torch", b"FloatStorage"), number(9), b"\x85R"), "can't be read"),
    "attributes of a dict": (
        program(name(b"collections", b"OrderedDict"), b")R", b"}", text("items"), b"K\x01sb"), "has no task"),
    "NEWOBJ": (program(name(b"collections", b"OrderedDict"), b")\x81"), "has no task"),
    "EXT": (program(b"\x82\x01"), "holds objects"),
    "a pickled module": (saved(lambda: nn.Linear(1, 1)), r"names torch\.nn\.modules\.linear\.Linear"),
    "_target_": (hyper("model", "_target_", to="os.system"), "key _target_"),
    "_instantiator": (hyper("_instantiator", to="pytorch_lightning.cli.instantiate_module"), "key _instantiator"),
    "_class_path": (changed("_class_path", to="os.system"), "key _class_path"),
    "class_path deep inside": (changed("callbacks", to={"a": [{"class_path": "os.system"}]}), "key class_path"),
}  # fmt: skip


MEMORY: Cases = {
    "numbers with one hash": (
        program(b"}(", *(number(i * (2**61 - 1)) + b"N" for i in range(1, 9)), b"u"), "has no task"),
    "2⁶⁰ tuples in a dict": (program(DOUBLING, b"}", text("task"), b"h\x3cs\x86"), "holds a tuple"),
    "2⁶⁰ tuples as a value": (program(b"}", text("x"), DOUBLING, b"s"), "has no task"),
    "a list of itself": (program(b"]q\0h\0a"), "holds a list"),
    "a list of itself with a class": (
        program(b"}", text("a"), b"]q\0h\0a}", text("class_path"), b"Nsas"), "key class_path"),
    "nested 100,000 deep": (program(b"]" * 100_000 + b"a" * 99_999), "holds a list"),
    "a pickle of 8 MB": (program(text("a" * 2**23)), "more than any checkpoint's"),
    "a text that claims 4 GB": (program(b"X\xff\xff\xff\xffab"), "can't be read"),
    "a memo of 2³² places": (program(b"Nr\xff\xff\xff\xff"), "holds None"),
    "a number of 255 bytes": (program(b"}", text("epoch"), b"\x8a\xff" + b"\x7f" * 255 + b"s"), "has no task"),
    "a tensor of stride 0": (program(tensor(tuple_of(2**20, 2**20), tuple_of(0, 0))), "holds a tensor"),
    "a tensor larger than its memory": (program(tensor(tuple_of(2**20, 4), tuple_of(4, 1))), "can't be read"),
    "a tensor of 2⁶² numbers": (program(tensor(tuple_of(2**31, 2**31), tuple_of(2**31, 1))), "can't be read"),
    "a negative size": (program(tensor(tuple_of(-4, 4), tuple_of(4, 1))), "can't be read"),
    "an offset before the memory": (program(tensor(tuple_of(4), tuple_of(1), offset=-8)), "can't be read"),
    "a tensor of 1,000 dimensions": (program(tensor(tuple_of(*[1] * 1000), tuple_of(*[1] * 1000))), "holds a tensor"),
    "memory that isn't there": (program(storage(2**40)), "holds a TypedStorage"),
    "one memory for two dtypes": (program(storage(16) + storage(8, b"DoubleStorage")), "holds a TypedStorage"),
    "100,000 views of one memory": (
        program(b"](", tensor(tuple_of(16), tuple_of(1)), b"q\1", b"h\1" * 100_000, b"e"), "holds a list"),
    "a sparse tensor": (weights(lambda _: torch.eye(3).to_sparse()), r"shape \(3, 3\), its sizes imply \(25,\)"),
    "a sparse tensor of the right shape": (weights(lambda old: old.to_sparse()), "isn't dense"),
    "a sparse tensor out of bounds": (
        program(name(b"torch._utils", b"_rebuild_sparse_tensor"), tuple_of(2**40), b"\x85R"), "can't be read"),
    "a quantized tensor": (program(name(b"torch._utils", b"_rebuild_qtensor"), b")R"), "can't be read"),
}  # fmt: skip
