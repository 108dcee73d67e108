"""Files that are there whole or not at all, whenever the machine stops."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file; at every moment ``path`` is what it was before or what it is to be, even if the power goes.

    It is staged beside ``path`` as ``.NAME.part``, flushed to disk and renamed. Of several processes only one
    may write the same file at a time.

    Args:
        path: of the file.
        write: puts the content into the open file.

    Raises:
        OSError: it can't be written; what was there is left as it was.
    """
    staged = path.with_name(f".{path.name}.part")
    try:
        staged.unlink(missing_ok=True)  # of a process that was killed, or a link to elsewhere
        with staged.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # others can't open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_text_whole(path: Path, text: str) -> None:
    """:func:`write_whole` of a text, as UTF-8."""
    write_whole(path, lambda file: file.write(text.encode("utf-8")))


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}


def disk_trouble(error: BaseException | None) -> str | None:
    """In words, if the reason of ``error`` is a disk that is full, broken or not to be written; else None."""
    while error is not None and not (isinstance(error, OSError) and error.errno in _DISK):
        error = error.__cause__
    return f"{error.filename or 'disk'}: {error.strerror}" if isinstance(error, OSError) else None
