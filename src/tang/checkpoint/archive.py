"""Read a PyTorch checkpoint: a zip archive of ``data.pkl`` and one record for each tensor's memory, uncompressed."""

import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from tang.checkpoint.untrusted import DAMAGED, UNSAFE, RefusedError, readable, shown

MAGIC = b"PK\3\4"
MAX_PICKLE = 2**22  # Bytes of a record that holds no tensor; data.pkl of a model of 10,000 characters has 150,000


def read(path: Path) -> dict[str, Any]:
    """The content of a file that begins with :data:`MAGIC`: plain data, and tensors that are mapped from the file.

    Raises:
        RefusedError: the archive is damaged, not a checkpoint, or holds objects; none of its code is run.
    """
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
