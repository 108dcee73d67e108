"""The benchmarks as commands."""

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import measure
import pytest
import tables

from tests.commands import ROOT

Bench = Callable[..., Any]


@pytest.fixture
def bench(
    tmp_path: Path, poems_txt: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Bench:
    """Runs ``python bench/NAME.py ARGUMENTS`` on the tests' corpus in a folder of the test's own; its JSON.

    All happens in this process, each measurement too unless ``apart``.
    """

    def run(name: str, *arguments: str, result: str = "", apart: bool = False) -> Any:
        script = str(ROOT / "bench" / f"{name}.py")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [script, "--device", "cpu", "--text", str(poems_txt), *arguments])
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        if not apart:
            monkeypatch.setattr(tables, "measured", measure.result)
            monkeypatch.setitem(machine.LARGE, "cpu", (256, 256, 256))
        runpy.run_path(script, run_name="__main__")
        written = tmp_path / "bench" / "results" / (result or name)
        assert written.with_suffix(".md").read_text(encoding="utf-8") in capsys.readouterr().out
        return json.loads(written.with_suffix(".json").read_text(encoding="utf-8"))

    return run
