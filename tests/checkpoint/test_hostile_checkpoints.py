"""Untrusted files: what isn't a checkpoint of this project is refused in one line, and no code of it runs."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tang import checkpoint
from tang.errors import InputError
from tang.tasks.language_model import LanguageModel
from tests.commands import ONE_THREAD, ROOT
from tests.hostile.files import FILES
from tests.hostile.makers import content_of, language_model, resumable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pipes, devices and limits on memory are Linux's")

MEGABYTES = 80
"""Resident memory beyond that of the libraries and a first model."""


@pytest.mark.slow
def test_hostile_and_broken_files_are_refused_run_nothing_and_take_little_memory(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    torch.save(resumable(), tmp_path / "good.ckpt")
    places = {f"{'states' if case.startswith('states') else 'file'}{i}": case for i, case in enumerate(FILES)}
    for place, case in places.items():
        (tmp_path / place).mkdir()
        FILES[case][0](tmp_path / place / "x.ckpt", marker)
    command = [sys.executable, "-m", "tests.hostile.reader", str(tmp_path)]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **ONE_THREAD, "PATH": ""}
    reader = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=600)
    assert reader.returncode == 0, reader.stderr
    assert not marker.exists(), "code of a file ran"
    found = json.loads(reader.stdout)
    lines = {case: found["lines"][place] for place, case in places.items()}
    unclear = {case: line for case, line in lines.items() if not re.search(FILES[case][1], line)}
    assert unclear == {}
    for line in lines.values():
        assert "x.ckpt: " in line
        assert line.isprintable()
        assert len(line) < 500
    assert found["megabytes"] < MEGABYTES
    print(
        f"\n{len(lines)} files refused, {found['megabytes']:.0f} MB beyond the {found['before']:.0f} of the libraries"
    )


@pytest.mark.parametrize("case", ["code: os.system", "code: exec among the sizes"])
def test_the_code_runs_if_a_file_is_trusted(tmp_path: Path, case: str) -> None:
    FILES[case][0](tmp_path / "x.ckpt", tmp_path / "marker")
    torch.load(tmp_path / "x.ckpt", weights_only=False)
    assert (tmp_path / "marker").exists()


@pytest.fixture(params=["x.ckpt", "x.safetensors"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[LanguageModel, Path]:
    """A valid model and its file, in each format."""
    path = tmp_path / request.param
    model = language_model()
    if path.suffix == ".ckpt":
        torch.save(content_of(model), path)
    else:
        checkpoint.export(model, str(path))
    return model, path


def test_a_file_cut_off_anywhere_is_refused(model: tuple[LanguageModel, Path]) -> None:
    _, path = model
    whole = path.read_bytes()
    for twentieths in range(20):
        path.write_bytes(whole[: len(whole) * twentieths // 20])
        with pytest.raises(InputError, match=r"cut off|empty|neither") as caught:
            checkpoint.load(path, LanguageModel)
        assert str(caught.value).isprintable()
    path.write_bytes(whole[:-1])
    with pytest.raises(InputError, match="cut off"):
        checkpoint.load(path, LanguageModel)


def test_a_file_with_a_flipped_bit_is_refused_or_means_the_same(model: tuple[LanguageModel, Path]) -> None:
    original, path = model
    whole = path.read_bytes()
    rng = random.Random(0)
    refused = 0
    for _ in range(150):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            read = checkpoint.load(path, LanguageModel)
        except InputError:
            refused += 1
            continue
        assert read.hparams == original.hparams
        for name, weight in original.state_dict().items():
            assert torch.equal(weight, read.state_dict()[name])
    print(f"\n{path.suffix}: {refused} of 150 flipped bits refused, the others mean nothing")
    assert refused > 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script_name", "arguments", "case"),
    [
        ("sample", ["start=日"], "code: exec among the sizes"),
        ("sample", [], "foreign: a pipe"),
        ("evaluate", ["split=test"], "memory: a tensor of stride 0"),
        ("predict", ["name=Satoshi"], "code: os.system"),
        ("check", ["poem=床前明月光，疑是地上霜。"], "fields: hidden_size 10⁹"),
        ("export", ["to=a.safetensors"], "code: _target_"),
    ],
)
def test_the_scripts_refuse_in_one_line(
    called: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    script_name: str,
    arguments: list[str],
    case: str,
) -> None:
    make, words = FILES[case]
    make(tmp_path / "x.ckpt", tmp_path / "marker")
    result = called(script_name, "ckpt=x.ckpt", *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert re.search(words, result.stderr)
    assert {path.name for path in tmp_path.iterdir()} == {"x.ckpt"}
