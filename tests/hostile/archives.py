"""Zip archives that aren't a checkpoint, or that different readers read differently."""

import os
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from tests.hostile.makers import Cases, Make, content_of, language_model


def archive(path: Path, records: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    """Write a zip archive with these records."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", compression) as file:
        warnings.simplefilter("ignore")  # a name occurs twice
        for name, content in records.items():
            file.writestr(name.replace("#", ""), content)


def records(change: Callable[[dict[str, bytes]], dict[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Make:
    """A checkpoint whose records are changed and zipped again."""

    def make(path: Path, marker: Path) -> None:
        torch.save(content_of(language_model()), path)
        with zipfile.ZipFile(path) as file:
            found = {name: file.read(name) for name in file.namelist()}
        archive(path, change(found), compression)

    return make


def patched(old: bytes, new: bytes, count: int = 1) -> Make:
    """A checkpoint with its last ``count`` occurrences of ``old`` replaced by ``new``."""

    def make(path: Path, marker: Path) -> None:
        torch.save(content_of(language_model()), path)
        parts = path.read_bytes().rsplit(old, count)
        assert len(parts) == count + 1
        path.write_bytes(new.join(parts))

    return make


def prefixed(path: Path, marker: Path) -> None:
    """Two archives of the same sizes: the zipfile module finds the second, PyTorch the first."""
    torch.save(content_of(language_model()), path)
    with zipfile.ZipFile(path) as file:
        good = {entry: file.read(entry) for entry in file.namelist()}
    archive(path, good)
    second = path.read_bytes()
    archive(path, {**good, "x/data.pkl": BOMB.ljust(len(good["x/data.pkl"]), b"\0")})
    path.write_bytes(path.read_bytes()[:-22] + second)


def two_directories(path: Path, marker: Path) -> None:
    """Two zip64 records: the zipfile module takes the one at the end, PyTorch the one that the locator names."""
    content = content_of(language_model())
    torch.save(content, path)
    first = path.read_bytes()
    content["state_dict"]["network.head.bias"] += 1
    torch.save(content, path)
    path.write_bytes(first[:-42] + path.read_bytes())


def large_directory(path: Path, marker: Path) -> None:
    torch.save(content_of(language_model()), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-58] + struct.pack("<Q", 2**32) + whole[-50:])


def sparse(path: Path, marker: Path) -> None:
    """A model of more than a gigabyte whose file has nothing but holes."""
    with torch.device("meta"):
        content = content_of(language_model(hidden_size=2**13))
    content["state_dict"] = {name: torch.empty(like.shape) for name, like in content["state_dict"].items()}
    with torch.serialization.skip_data():
        torch.save(content, path)
    assert path.stat().st_blocks * 512 < 2**20 < 2**30 < path.stat().st_size


def hole(path: Path, marker: Path) -> None:
    """A sparse file of a terabyte."""
    path.touch()
    os.truncate(path, 2**40)


BOMB = b"\x80\2cos\nsystem\n."
"""A pickle that names ``os.system``."""

SPACE: Cases = {
    "a hole of a terabyte": (hole, "neither a PyTorch checkpoint"),
    "a deflated pickle of 256 MB": (
        lambda path, _: archive(path, {"a/data.pkl": bytes(2**28)}, zipfile.ZIP_DEFLATED), "is compressed"),
    "deflated weights": (
        records(lambda found: {**found, "x/data/0": bytes(2**26)}, zipfile.ZIP_DEFLATED), "is compressed"),
    "weights larger than the file": (
        patched(struct.pack("<LL", 800, 800), struct.pack("<LL", 2**31, 2**31)), "claims to hold more than"),
    "a directory of 4 GB": (large_directory, "the archive can't be read"),
    "a sparse file": (sparse, "the CRC differs"),
    "a version of 8 MB": (
        records(lambda found: {**found, "x/version": bytes(2**23)}), "its version has 8,388,608 bytes"),
}  # fmt: skip

ARCHIVES: Cases = {
    "two archives": (prefixed, "holds two archives"),
    "two zip64 records": (two_directories, "holds two archives"),
    "names that differ in case": (records(lambda found: {"x/DATA.PKL": BOMB, **found}), "twice"),
    "a path that leads out": (records(lambda found: {**found, "../../../x": b"1"}), "several folders"),
    "an absolute path": (records(lambda found: {**found, "/etc/passwd": b"1"}), "several folders"),
    "a path up inside": (records(lambda found: {**found, "a/..": b"1"}), "several folders"),
    "a file twice": (records(lambda found: {**found, "x#.ckpt/version": b"1", "x.ckpt/version": b""}), "twice"),
    "several folders": (records(lambda found: {**found, "b/version": b"1"}), "several folders"),
    "a TorchScript archive": (records(lambda found: {**found, "x/constants.pkl": b""}), "can't be read"),
    "another zip archive": (lambda path, _: archive(path, {"word/document.xml": b""}), "no data.pkl|another kind"),
    "an empty archive": (lambda path, _: archive(path, {}), "neither a PyTorch"),
    "a wrong checksum": (patched(b"byteorder", b"byteordes"), "can't be read|isn't what"),
}  # fmt: skip
