"""A PyTorch checkpoint: a zip archive of ``data.pkl`` and one record for each tensor's memory, nothing compressed."""

import re
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch

from tang.checkpoint import pickled
from tang.checkpoint.content import DAMAGED, Content, RefusedError, check_plain, readable, shown

MAGIC = b"PK\3\4"
MAX_DIRECTORY = 2**20
"""Bytes; a record takes about 80 of them."""
MAX_PICKLE = 2**22
"""Bytes of ``data.pkl``; with 10,000 characters it has 150,000."""

_RECORD = re.compile(r"[^/\\]+/((?:\.?data/)?(?!\.\.)[\w.]+)")


def read(path: Path) -> Content:
    """The checkpoint in ``path``, which begins with :data:`MAGIC`.

    Raises:
        RefusedError: it is broken or none, or asks for more memory than a checkpoint does.
    """
    file_size = path.stat().st_size
    with path.open("rb") as file, readable("the archive"):
        _check_end(file, file_size)
        with zipfile.ZipFile(file) as archive:
            sizes = _sizes(archive, file_size)
            if "data.pkl" not in sizes:
                raise RefusedError("has no data.pkl: another kind of zip archive")
            if sizes["data.pkl"] > MAX_PICKLE:
                raise RefusedError(f"its data.pkl has {sizes['data.pkl']:,} bytes, more than any checkpoint's")
            program = archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
    values, attributes = pickled.read(program, sizes)
    check_plain([values, attributes], file_size)
    if type(values) is not dict:
        raise RefusedError(f"holds {shown(values)}")
    return Content(values, lambda: _load(path))


def _check_end(file: BinaryIO, file_size: int) -> None:
    """Look at the size of the archive's directory before the zipfile module reads it.

    What stands at the end (PKWARE's APPNOTE 4.3.14 to 16)::

        ... | zip64 record, 56 bytes | its locator, 20 bytes | end record, 22 bytes
    """
    file.seek(max(0, file_size - 98))
    end = file.read()
    if end[-22:-18] != b"PK\5\6" or end[-2:] != b"\0\0":
        raise RefusedError("has no directory at its end", DAMAGED)
    (size,) = struct.unpack("<L", end[-10:-6])
    if end[-42:-38] == b"PK\6\7":
        (size,) = struct.unpack("<Q", end[-58:-50])
    if size > min(MAX_DIRECTORY, file_size):
        raise RefusedError("its directory is larger than any checkpoint's")


def _sizes(archive: zipfile.ZipFile, file_size: int) -> dict[str, int]:
    """Record → bytes, none compressed, together no more than the file has."""
    sizes = {}
    roots = set()
    for entry in archive.infolist():
        match = _RECORD.fullmatch(entry.filename)
        if match is None:
            raise RefusedError(f"has a file {shown(entry.filename)} in it: another kind of zip archive")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise RefusedError(f"its {match[1][:60]} is compressed, and could unpack to any size", "don't use it")
        roots.add(entry.filename.partition("/")[0])
        sizes[match[1]] = entry.file_size
    if len(roots) != 1 or len(sizes) < len(archive.infolist()):
        raise RefusedError("has a file twice in it, or several folders", "don't use it")
    if sum(sizes.values()) > file_size:
        raise RefusedError("claims to hold more than the file has", DAMAGED)
    return sizes


def _load(path: Path) -> dict[str, Any]:
    with readable("the archive"):
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise RefusedError(f"its {damaged.partition('/')[2]} isn't what was written (the CRC differs)", DAMAGED)
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return content
