"""The prepared files are written atomically, and damaged ones are made again."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tang.data import prepare as module
from tang.data.split import SPLITS
from tests.commands import ROOT
from tests.data.test_prepare import made, texts


def cut(folder: Path) -> None:
    os.truncate(folder / "tokens.npy", (folder / "tokens.npy").stat().st_size - 5)


def overwrite(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def flip(folder: Path) -> None:
    content = bytearray((folder / "tokens.npy").read_bytes())
    content[-7] ^= 1
    (folder / "tokens.npy").write_bytes(content)


def zeros(folder: Path) -> None:
    for file in folder.iterdir():
        file.write_bytes(bytes(file.stat().st_size))


def pickled(folder: Path) -> None:
    np.save(folder / "offsets.npy", np.array([print]), allow_pickle=True)


def out_of_range(folder: Path) -> None:
    np.save(folder / "offsets.npy", np.load(folder / "offsets.npy") + 10**6)


def folder_for_file(folder: Path) -> None:
    (folder / "tokens.npy").unlink()
    (folder / "tokens.npy").mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        *(cut, flip, zeros, pickled, out_of_range, folder_for_file),
        *(overwrite("meta.json", content) for content in (b"", b"[]", b"{", b'{"vocabulary": 3}', b"\xff")),
        *(overwrite(name, b"") for name in ("tokens.npy", "offsets.npy", "sha256")),
        lambda folder: (folder / "meta.json").unlink(),
        lambda folder: (folder / "sha256").unlink(),
    ],
)
def test_a_damaged_cache_is_prepared_again(
    poems_txt: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], object]
) -> None:
    caplog.set_level(logging.INFO)
    first = made(poems_txt, tmp_path)
    expected = {split: texts(first, split) for split in SPLITS}
    (folder,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    damage(folder)
    again = made(poems_txt, tmp_path)
    assert {split: texts(again, split) for split in SPLITS} == expected
    assert again.card == first.card
    assert sum("is damaged and is prepared again" in message for message in caplog.messages) == 1


def test_numpy_is_let_unpickle_nothing(poems_txt: Path, tmp_path: Path) -> None:
    made(poems_txt, tmp_path)
    (folder,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    pickled(folder)
    (folder / "sha256").write_bytes(module._hashes(folder))  # an untrusted cache, consistent in itself
    with pytest.raises(ValueError, match="Python objects"):
        made(poems_txt, tmp_path)


LIMITED = """
import resource, sys
from pathlib import Path
from tang.corpus.sources import FileSource
from tang.config.data import PoemsConfig
from tang.data.prepare import prepare
from tang.errors import InputError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    prepare(FileSource(Path(sys.argv[1])), PoemsConfig(min_count=1, cache=sys.argv[2]))
except InputError as error:
    sys.exit(str(error))
"""


def program(code: str, *arguments: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_file_that_cannot_be_written_to_its_end_ends_it_in_one_line(poems_txt: Path, tmp_path: Path) -> None:
    process = program(LIMITED, poems_txt, tmp_path / "cache")
    _, error = process.communicate(timeout=600)
    assert process.returncode == 1
    assert error.startswith(f"data.cache={tmp_path / 'cache'}: ")
    assert "disk may be full" in error or "File too large" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "cache").exists()


HELD = """
import sys, time
from pathlib import Path
from tang.config.data import PoemsConfig
from tang.corpus.sources import FileSource
from tang.data import prepare
write = prepare._write
def held(*arguments):
    write(*arguments)
    print("written", flush=True)
    time.sleep(600)
prepare._write = held
prepare.prepare(FileSource(Path(sys.argv[1])), PoemsConfig(min_count=1, cache=sys.argv[2]))
"""


def test_what_a_killed_process_left_goes(poems_txt: Path, tmp_path: Path) -> None:
    process = program(HELD, poems_txt, tmp_path / "cache")
    assert process.stdout
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=600)
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {".lock", ".part"}
    made(poems_txt, tmp_path)
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {".lock", ""}
