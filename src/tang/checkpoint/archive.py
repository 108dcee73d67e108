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
"""Bytes of a record that is no tensor's memory: of ``data.pkl``, which with 10,000 characters has 150,000."""

_RECORD = re.compile(r"[ -.0-\[\]-~]+/((?:\.?data/)?(?!\.\.)[\w.]+)", re.ASCII)
"""In a folder of any name in ASCII."""


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
            program = archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
    values, attributes = pickled.read(program, sizes)
    check_plain([values, attributes], file_size)
    if type(values) is not dict:
        raise RefusedError(f"holds {shown(values)}")
    return Content(values, lambda: _load(path))


def _check_end(file: BinaryIO, file_size: int) -> None:
    """Look where the archive's directory is before it is read, by the zipfile module here and later by PyTorch.

    The one counts from the end, the other from the beginning; in a file that has more than one archive they
    would find different ones. What stands at the end (PKWARE's APPNOTE 4.3.12 to 16)::

        directory | zip64 record, 56 bytes | its locator, 20 bytes | end record, 22 bytes
    """
    file.seek(max(0, file_size - 98))
    end = file.read()
    if end[-22:-18] != b"PK\5\6" or end[-2:] != b"\0\0":
        raise RefusedError("has no directory at its end", DAMAGED)
    size, start = struct.unpack("<LL", end[-10:-2])
    behind = file_size - 22
    if end[-42:-38] == b"PK\6\7":
        size, start = struct.unpack("<QQ", end[-58:-42])
        behind = file_size - 98
        if end[:4] != b"PK\6\6" or struct.unpack("<Q", end[-34:-26]) != (behind,):
            raise RefusedError("has a zip64 record elsewhere than it says", DAMAGED)
    if size > min(MAX_DIRECTORY, file_size):
        raise RefusedError("its directory is larger than any checkpoint's")
    if start + size != behind:
        raise RefusedError("has its directory elsewhere than it says: there may be two archives in it", DAMAGED)


def _sizes(archive: zipfile.ZipFile, file_size: int) -> dict[str, int]:
    """Record → bytes, none compressed, together no more than the file has.

    Names are those that PyTorch sees; to it, upper and lower case are the same.
    """
    sizes = {}
    names = set()
    roots = set()
    for entry in archive.infolist():
        match = _RECORD.fullmatch(entry.orig_filename)
        if match is None or entry.filename != entry.orig_filename:
            raise RefusedError(f"has a file {shown(entry.orig_filename)} in it: another kind of zip archive")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise RefusedError(f"its {match[1][:60]} is compressed, and could unpack to any size", "don't use it")
        if entry.extra and (entry.extra[:2] != b"\1\0" or len(entry.extra) != 4 + entry.extra[2]):  # one, for zip64
            raise RefusedError(f"its {match[1][:60]} has more than a name, a size and a place", "don't use it")
        if entry.file_size > MAX_PICKLE and not match[1].startswith("data/"):
            raise RefusedError(f"its {match[1][:60]} has {entry.file_size:,} bytes, more than any checkpoint's")
        names.add(match[1].lower())
        roots.add(entry.filename.partition("/")[0])
        sizes[match[1]] = entry.file_size
    if len(roots) != 1 or len(names) < len(archive.infolist()):
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
