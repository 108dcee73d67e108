"""Files of a repository: pinned to a commit, checked by SHA-256, cached in a folder."""

import hashlib
import logging
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pooch
import requests
from filelock import FileLock
from rich.progress import track

from tang.errors import InputError

log = logging.getLogger(__name__)

GITHUB = "https://raw.githubusercontent.com"
MAX_FILE_BYTES = 4_000_000
PROBE_SECONDS = 5


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
    package=Package("chinese-poetry@2.0.1", "package/dist/quantangshi/", megabytes=85),
)


def fetch(collection: Collection, folder: Path) -> list[Path]:
    """The collection's files in ``folder``, fetched first where they are missing or altered.

    Raises:
        InputError: no channel could bring the missing files, or ``folder`` can't be made or written.
    """
    files = collection.files
    channels = [_from_github, _from_npm] if collection.package else [_from_github]
    if missing := _missing(folder, files):
        try:
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
    return path.is_file() and _digest(path.read_bytes()) == digest


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _try(
    channel: Callable[[Collection, Path, dict[str, str]], str],
    collection: Collection,
    folder: Path,
    missing: dict[str, str],
) -> dict[str, str]:
    """Let ``channel`` bring the missing files; what is missing afterwards."""
    if not missing:
        return {}
    try:
        log.info("corpus: %s", channel(collection, folder, missing))
    except (OSError, ValueError, subprocess.SubprocessError, tarfile.TarError) as error:
        # A network's error says little more than its name, at great length.
        detail = "" if isinstance(error, requests.RequestException) else " ".join(str(error).split())[:160]
        reason = detail or type(error).__name__
        log.info("corpus: %s gives nothing (%s)", channel.__name__.removeprefix("_from_"), reason)
    return _missing(folder, missing)


def _from_github(collection: Collection, folder: Path, missing: dict[str, str]) -> str:
    pooch.get_logger().setLevel("WARNING")
    url = f"{GITHUB}/{collection.repository}/{collection.commit}/{quote(collection.folder)}/"
    source = pooch.create(path=folder, base_url=url, registry=missing)
    probe, *others = missing
    source.fetch(probe, downloader=pooch.HTTPDownloader(timeout=PROBE_SECONDS))
    source.retry_if_failed = 1
    pool = ThreadPoolExecutor(8)
    try:
        for _ in track(pool.map(source.fetch, others), f"Fetching {collection.title}", total=len(others)):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # after a failure the channel is given up whole
    return f"files from GitHub in {folder}"


def _from_npm(collection: Collection, folder: Path, missing: dict[str, str]) -> str:
    package, npm = collection.package, shutil.which("npm")
    assert package is not None  # it is a channel of such collections alone
    if npm is None:
        raise FileNotFoundError("npm is not on the PATH")
    once = [f"--fetch-timeout={PROBE_SECONDS * 1000}", "--fetch-retries=0"]
    with tempfile.TemporaryDirectory() as temporary:
        # The client itself needs a second or more to start; only its fetch is bound to five.
        _run([npm, "view", package.specifier, "version", *once], temporary, timeout=3 * PROBE_SECONDS)
        log.info("corpus: fetching %s with npm (%d MB)", package.specifier, package.megabytes)
        _run([npm, "pack", package.specifier], temporary, timeout=3600)
        (archive,) = Path(temporary).glob("*.tgz")
        members = _members(archive, package.folder, missing)
        for name, content in track(members, "Reading the package", total=len(missing)):
            _write_whole(folder / name, content)
    return f"files from npm in {folder}"


def _run(command: list[str], folder: str, timeout: float) -> None:
    result = subprocess.run(command, cwd=folder, timeout=timeout, capture_output=True, stdin=subprocess.DEVNULL)
    if result.returncode:
        error = result.stderr.decode("utf-8", "replace").strip()
        raise subprocess.SubprocessError(f"npm {command[1]} ended with {result.returncode}: {error}")


def _members(archive: Path, folder: str, wanted: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the wanted files, read from the archive without unpacking it."""
    with tarfile.open(archive, "r|gz") as package:
        for member in package:
            name = member.name.removeprefix(folder)
            if name in wanted and member.name == folder + name and member.isfile():
                file = package.extractfile(member)
                assert file is not None  # it is a regular file
                content = file.read(MAX_FILE_BYTES)
                if _digest(content) != wanted[name]:
                    raise ValueError(f"{name} in the package is not the file it should be")
                yield name, content


def _write_whole(path: Path, content: bytes) -> None:
    staged = path.with_suffix(f".{os.getpid()}.part")
    staged.write_bytes(content)
    staged.replace(path)
