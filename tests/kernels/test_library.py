import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pooch
import pytest

from tang.kernels import library as module
from tang.kernels.library import SOURCE, compiled, library

COMPILER = shutil.which("g++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no g++ here")


@pytest.fixture(autouse=True)
def cache_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for compiled code; what has been loaded before doesn't count."""
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr(module, "library", cache(library.__wrapped__))
    return tmp_path / "tang"


@needs_compiler
def test_it_is_compiled_once_and_kept(cache_of_its_own: Path) -> None:
    assert COMPILER
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: compiled(COMPILER, cache_of_its_own), range(4)))
    (path,) = paths
    made = path.stat().st_mtime_ns
    assert compiled(COMPILER, cache_of_its_own).stat().st_mtime_ns == made
    assert list(cache_of_its_own.iterdir()) == [path], "nothing half-made is left"


@needs_compiler
def test_another_source_is_compiled_anew(cache_of_its_own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert COMPILER
    changed = cache_of_its_own.parent / "kernels.cpp"
    changed.write_text(SOURCE.read_text(encoding="utf-8") + "\n// changed\n", encoding="utf-8")
    first = compiled(COMPILER, cache_of_its_own)
    monkeypatch.setattr(module, "SOURCE", changed)
    assert compiled(COMPILER, cache_of_its_own) != first


def test_without_a_compiler_there_is_none_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert module.library() is None
    assert "no C++ compiler (no-such-compiler)" in caplog.text


def test_a_compiler_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\necho unknown option >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    assert module.library() is None
    assert f"{broken} doesn't compile kernels.cpp" in caplog.text
    assert "unknown option" in caplog.text
