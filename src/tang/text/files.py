"""Files of text: found, of a bounded size, in UTF-8."""

import os
import stat
from pathlib import Path

from tang.errors import InputError

# Largest corpus: eight times the 全唐诗. Preparing poems takes up to fifty times their size in memory.
MAX_MEGABYTES = 200


def find(folder: Path, pattern: str) -> list[Path]:
    """The files in ``folder`` that match a glob pattern, sorted; InputError if it can't be searched."""
    try:
        return sorted(file for file in folder.glob(pattern) if not file.is_dir())
    except RecursionError:
        raise InputError(f"{folder}: its folders are nested too deeply") from None
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None


def check_size(path: Path, files: list[Path]) -> None:
    """Raise InputError if the ``files`` of ``path`` have more than :data:`MAX_MEGABYTES` in all."""
    megabytes = sum(os.path.getsize(file) for file in files if file.is_file()) / 1e6
    if megabytes > MAX_MEGABYTES:
        raise InputError(f"{path}: {megabytes:,.0f} MB; a corpus may have {MAX_MEGABYTES}")


def read_bytes(path: Path) -> bytes:
    """Read a file; InputError if it can't be read, is a pipe or a device, or has more than :data:`MAX_MEGABYTES`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: not a file")  # a pipe would block, a device may be endless
        if status.st_size > MAX_MEGABYTES * 1_000_000:
            raise InputError(f"{path}: more than {MAX_MEGABYTES} MB")
        with path.open("rb") as file:
            return file.read(status.st_size)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def read_text(path: Path) -> str:
    """Read a UTF-8 file, or UTF-16 that says so; InputError with the position of what is neither."""
    content = read_bytes(path)
    if content.startswith((b"PK\3\4", b"%PDF")):
        raise InputError(f"{path}: not a text file; save its text as UTF-8")
    try:
        return content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise InputError(f"{path}: line {line}, byte {column}: not UTF-8; save the file as UTF-8") from None
