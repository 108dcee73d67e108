import os
import threading
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from tang.atomic import atomic_write, sole_maker, write_text


def test_a_file_is_written_flushed_and_put_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "诗.txt"
    seen: list[str] = []
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", lambda file: seen.append(path.read_text(encoding="utf-8")))
    write_text(path, "春眠不觉晓")
    assert seen == ["old", "春眠不觉晓"], "the content is on disk before it has the name, and then the name is"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    path.write_bytes(b"old")

    def half(file: BinaryIO) -> None:
        file.write(b"new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, half)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="refused"), sole_maker(tmp_path / "a" / "b" / "made"):
        raise ValueError("refused")
    assert list(tmp_path.iterdir()) == []
    with sole_maker(tmp_path / "a" / "made"):
        (tmp_path / "a" / "made").touch()
    with pytest.raises(ValueError, match="refused"), sole_maker(tmp_path / "a" / "other"):
        raise ValueError("refused")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"made", "made.lock"}


def test_who_waits_for_one_that_fails_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "made"

    def make() -> None:
        with sole_maker(path):
            path.touch()

    def fail() -> None:
        with sole_maker(path):
            waiting.start()
            time.sleep(0.2)
            assert not path.exists()
            raise ValueError("refused")

    waiting = threading.Thread(target=make)
    with pytest.raises(ValueError, match="refused"):
        fail()
    waiting.join()
    assert path.exists()
