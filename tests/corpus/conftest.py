import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tang.corpus import fetch
from tests.corpus.mirrors import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """Stands in for GitHub; no npm is on the PATH."""
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(fetch, "GITHUB", server.url)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    yield server
    server.shutdown()
    server.server_close()
