"""Atomic writes: a file has its old content or its new content, never a part, even after a power cut.

And what takes long to make is made by one process at a time.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock


def atomic_write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file atomically: staged as ``.NAME.part``, where ``write`` fills it, flushed to disk, then renamed.

    Of several processes only one may write the same file at a time. Where an OSError is raised, the old content is
    unchanged.
    """
    staged = path.with_name(f".{path.name}.part")
    try:
        staged.unlink(missing_ok=True)  # left by a process that was killed, or a link to elsewhere
        with staged.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # other systems can't open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_text(path: Path, text: str) -> None:
    """:func:`atomic_write` of a text, as UTF-8."""
    atomic_write(path, lambda file: file.write(text.encode("utf-8")))


@contextmanager
def sole_maker(path: Path) -> Iterator[None]:
    """Let one process at a time make ``path``, by the lock ``path.lock``; its folder is made if missing.

    If that raises an error, neither the lock's file nor the folders made for it are left.
    """
    lock = FileLock(path.with_suffix(".lock"))
    while not lock.is_locked:
        made = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another process has failed, and removed the folder since
            lock.acquire()
    try:
        yield
    except BaseException:
        with suppress(OSError):  # other files are in the folder
            Path(lock.lock_file).unlink()  # while it is held: a process that waits for it makes another
            for folder in made:
                folder.rmdir()
        raise
    finally:
        lock.release()


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}


def disk_trouble(error: BaseException | None) -> str | None:
    """A message if ``error`` was caused by a disk that is full, broken or read-only; else None."""
    while error is not None and not (isinstance(error, OSError) and error.errno in _DISK):
        error = error.__cause__
    return f"{error.filename or 'disk'}: {error.strerror}" if isinstance(error, OSError) else None
