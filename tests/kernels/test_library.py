import logging
import shlex
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pooch
import pytest

from tang.kernels import library as module
from tang.kernels.library import compile_library, library

COMPILER = shutil.which("g++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no g++ here")


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for compiled code, empty; the library is loaded anew."""
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr(module, "library", cache(library.__wrapped__))
    monkeypatch.delenv("CXX", raising=False)
    return tmp_path / "tang"


def fake_compiler(folder: Path, processor: str) -> list[str]:
    """A compiler whose -march=native is ``processor``, and whose libraries are empty."""
    script = folder / f"c++ for {processor}"
    answers = f'*-dM*) echo "#define __{processor}__ 1";; *) : > "$last";;'
    script.write_text(f'#!/bin/sh\nfor last; do :; done\ncase "$*" in {answers} esac\n', encoding="utf-8")
    script.chmod(0o755)
    return [str(script)]


@pytest.mark.slow
@needs_compiler
def test_it_is_compiled_once_and_kept(cache_folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        paths = set(pool.map(lambda _: compile_library(["g++"], cache_folder), range(2)))
    (path,) = paths
    made = path.stat().st_mtime_ns
    assert compile_library(["g++"], cache_folder).stat().st_mtime_ns == made
    assert list(cache_folder.iterdir()) == [path], "nothing half-made is left"
    assert module.library() is not None


def test_another_processor_has_a_library_of_its_own(cache_folder: Path, tmp_path: Path) -> None:
    first, again, other = (
        compile_library(fake_compiler(tmp_path, processor), cache_folder)
        for processor in ("znver5", "znver5", "haswell")
    )
    assert first == again != other


def test_options_in_cxx_override_the_flags(cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def output(command: list[str]) -> str:
        assert command[: len(module.FLAGS) + 4] == ["ccache", "g++", *module.FLAGS, "-march=haswell", "-O1"]
        Path(command[-1]).touch()
        return ""

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_output", output)
    assert compile_library(["ccache", "g++", "-march=haswell", "-O1"], cache_folder).is_file()


def test_another_source_is_compiled_anew(cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = fake_compiler(tmp_path, "znver5")
    first = compile_library(compiler, cache_folder)
    changed = shutil.copytree(module.FOLDER, tmp_path / "kernels")
    (changed / "lstm.h").write_text("// changed", encoding="utf-8")
    monkeypatch.setattr(module, "FOLDER", changed)
    assert compile_library(compiler, cache_folder) != first


def test_without_a_writable_cache_the_library_is_temporary(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    path = compile_library(fake_compiler(tmp_path, "znver5"), blocked)
    assert path.exists()
    shutil.rmtree(path.parent)


def test_without_a_compiler_there_is_none_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("CXX", "no-such-compiler -O0")
    assert module.library() is None
    assert "no C++ compiler (no-such-compiler -O0)" in caplog.text
    assert "not found" in caplog.text


def test_the_log_has_the_compilers_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\necho unknown option >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", shlex.quote(str(broken)))
    assert module.library() is None
    assert caplog.messages[0].endswith("slower: unknown option")
