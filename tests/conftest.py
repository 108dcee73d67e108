"""Corpora that the tests make: random verse of the real one's shapes."""

import json
import os
import random
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hypothesis import HealthCheck

from tang import cli
from tang.config.data import PoemsConfig
from tang.data.poems import PoemDataModule
from tang.tasks.language_model import LanguageModel
from tests import commands
from tests.commands import Done, Fork, Script

CHARACTERS = "日月山水风花雪夜天地人心春秋江河云雨红白青黄东西南北上下来去高低远近长短新旧明暗生死别离"

torch.set_num_threads(1)  # the tests run side by side
hypothesis.settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.load_profile("any machine")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since some tests wait for processes of theirs."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first, one by one to whoever is free: those that are left at the end are short."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def verse(seed: int, chars: int = 5, lines: int = 4) -> str:
    """A random poem; each character narrows the choice of the next, so that there is something to learn."""
    rng = random.Random(seed)
    index = rng.randrange(len(CHARACTERS))
    poem = []
    for line in range(lines):
        for _ in range(chars):
            index = (index * 3 + rng.randrange(4)) % len(CHARACTERS)
            poem.append(CHARACTERS[index])
        poem.append("。" if line % 2 else "，")
    return "".join(poem)


def verses(count: int) -> list[str]:
    """Poems of the four regulated forms and of one long one, in about the 全唐诗's proportions."""
    shapes = [(5, 8), (7, 4), (7, 8), (5, 4), (5, 12)]
    return [verse(seed, *shapes[seed % len(shapes)]) for seed in range(count)]


def write_names(folder: Path) -> None:
    """Three languages of short names, some of one letter."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for language, letters in {"Vowels": "aeiou", "Consonants": "bcdfg", "Late": "xyz"}.items():
        names = ["".join(rng.choice(list(letters), rng.integers(1, 6))) for _ in range(130)]
        (folder / f"{language}.txt").write_text("\n".join(names), encoding="utf-8")


@pytest.fixture
def poems_txt(tmp_path: Path) -> Path:
    """A text corpus of 400 poems."""
    path = tmp_path / "唐诗.txt"
    path.write_text("\n".join(verses(400)) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def model(poems_txt: Path, tmp_path: Path) -> LanguageModel:
    """An untrained language model of the text corpus."""
    torch.manual_seed(0)
    data = {"source": "text", "path": str(poems_txt), "cache": str(tmp_path / "cache"), "min_count": 1}
    module = PoemDataModule(PoemsConfig(**data))  # type: ignore[arg-type]
    symbols = module.prepared.vocabulary.symbols
    return LanguageModel({"hidden_size": 8}, symbols, data, corpus=module.source.fingerprint)


@pytest.fixture
def poems_json(tmp_path: Path) -> Path:
    """A folder of JSON shaped like chinese-poetry's, 400 poems in two files, and an index beside them."""
    folder = tmp_path / "json"
    folder.mkdir()
    entries = [
        {"author": "某", "paragraphs": [poem], "title": "无题", "id": str(i)} for i, poem in enumerate(verses(400))
    ]
    (folder / "a.json").write_text(json.dumps(entries[:200], ensure_ascii=False), encoding="utf-8")
    (folder / "b.json").write_text(json.dumps(entries[200:], ensure_ascii=False), encoding="utf-8")
    (folder / "authors.json").write_text(json.dumps([{"name": "某", "desc": ""}]), encoding="utf-8")
    return folder


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs ``python src/NAME.py ARGUMENTS`` in a folder of the test's own, as a user would, in a fork."""
    output = tmp_path.with_name(f"{tmp_path.name}-output")  # the folder is the scripts' own
    output.mkdir()

    def run(name: str, *arguments: str, env: Mapping[str, str] = {}) -> Done:
        with Fork([commands.script(name), *arguments], tmp_path, output / "script", env) as fork:
            return fork.done()

    return run


@pytest.fixture
def fresh_script(tmp_path: Path) -> Script:
    """As ``script``, but in a process that starts from nothing."""

    def run(name: str, *arguments: str, env: Mapping[str, str] = {}) -> Done:
        return commands.fresh([commands.script(name), *arguments], tmp_path, env)

    return run


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    """As ``script``, but within this process: for command lines that end before there is anything to compute."""

    def run(name: str, *arguments: str) -> Done:
        path = commands.script(name)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "1")  # as cli.run leaves it; here it must go again
        monkeypatch.setattr(cli, "WANTS_TRACEBACK", False)
        GlobalHydra.instance().clear()
        code = 0
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            code = int(end.code or 0)
        return Done([path, *arguments], code, *capsys.readouterr())

    return run


@pytest.fixture
def small(poems_txt: Path) -> Sequence[str]:
    """Overrides that train a small model on the text corpus."""
    return [
        "data=text",
        f"data.path={poems_txt}",
        "data.min_count=1",
        "data.batch_size=32",
        "model.hidden_size=16",
        "trainer.max_epochs=2",
        "trainer.accelerator=cpu",
    ]
