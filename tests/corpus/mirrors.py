"""A corpus of three files, and what stands in for GitHub and npm."""

import hashlib
import io
import sys
import tarfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from tang.corpus.collections import Collection, Package

FILES = {f"poet.tang.{n}.json": f'[{{"paragraphs": ["诗{n}"]}}]'.encode() for n in (0, 1000, 2000)}
CORPUS = Collection(
    title="the corpus",
    repository="somebody/poems",
    commit="0123abc",
    folder="唐/诗",
    files={name: "sha256:" + hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
    package=Package("poems@2.0.1", "package/dist/", megabytes=1, unpacked_megabytes=1),
)
PINNED = f"/somebody/poems/0123abc/{quote(CORPUS.folder)}/"
IN_PACKAGE = {"package/dist/" + name: content for name, content in FILES.items()}


class Server(ThreadingHTTPServer):
    """Serves ``files`` below :data:`PINNED`, or does ``instead`` whatever is asked, and counts the requests."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes] = FILES) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(files)
        self.instead: Callable[[Handler], None] | None = None
        self.requests: list[str] = []
        self.sent = 0
        """Bytes, by what it does instead."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: that a client hangs up is what some tests want."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        if self.server.instead:
            self.server.instead(self)
            return
        content = self.server.files.get(self.path.removeprefix(PINNED))
        self.send_response(200 if content is not None else 404)
        self.end_headers()
        self.wfile.write(content or b"")

    def send(self, content: bytes) -> None:
        self.wfile.write(content)
        self.server.sent += len(content)

    def log_message(self, *args: object) -> None:
        pass


def archive(files: dict[str, bytes]) -> bytes:
    """A package with these files."""
    return packed(*((tarfile.TarInfo(name), content) for name, content in files.items()))


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A package with these members, whatever they claim to be."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as package:
        for member, content in members:
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return file.getvalue()


def npm(folder: Path, package: bytes) -> None:
    """Put an ``npm`` on the PATH whose ``pack`` brings ``package``."""
    (folder / "package.tgz").write_bytes(package)
    program(folder, f"import shutil; shutil.copy({str(folder / 'package.tgz')!r}, 'poems-2.0.1.tgz')")


def program(folder: Path, pack: str) -> None:
    """Put an ``npm`` on the PATH whose ``pack`` runs this line of Python."""
    (folder / "bin").mkdir()
    file = folder / "bin" / "npm"
    file.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"try:\n    if sys.argv[1] == 'pack':\n        {pack}\nexcept Exception as error:\n    sys.exit(repr(error))\n"
    )
    file.chmod(0o755)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}
