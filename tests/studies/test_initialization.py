import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tang.config.data import PoemsConfig
from tang.config.model import LanguageModelConfig
from tang.data.poems import PoemDataModule
from tang.studies.initialization import TrainingResult, distinct_units, equal, scale, train_and_count, zero
from tang.studies.short_training import seeded
from tang.tasks.network import Network
from tests.conftest import verses

HIDDEN = 8

INITIALIZATIONS: dict[str, Callable[[Network], None]] = {
    "zeros": zero,
    "zero layer": lambda network: zero(network.recurrent),
    "equal units": equal,
    "default": lambda network: None,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrainingResult]:
    folder = tmp_path_factory.mktemp("corpus")
    path = folder / "poems.txt"
    path.write_text("\n".join(verses(400)), encoding="utf-8")
    cache = str(folder / "cache")
    module = PoemDataModule(PoemsConfig(source="text", path=str(path), cache=cache, max_length=12, batch_size=32))
    config = LanguageModelConfig(hidden_size=HIDDEN, dropout=0, tie_weights=False)
    results = {}
    for name, initialize in INITIALIZATIONS.items():
        with seeded(0), torch.no_grad():
            network = Network(len(module.prepared.vocabulary), config)
            initialize(network)
        results[name] = train_and_count(network, module, steps=30, lr=1e-2, clip=1.0)
    return results


@pytest.mark.parametrize(
    ("initialization", "units"),
    [("zeros", (1, 1)), ("equal units", (1, 1)), ("zero layer", (1, HIDDEN)), ("default", (HIDDEN, HIDDEN))],
)
def test_units_become_distinct_only_where_something_is_random(
    runs: dict[str, TrainingResult], initialization: str, units: tuple[int, int]
) -> None:
    assert runs[initialization].units == units


def test_equal_units_learn_all_the_same(runs: dict[str, TrainingResult]) -> None:
    assert runs["equal units"].losses[-1] < runs["equal units"].losses[0] - 0.2
    assert runs["equal units"].difference < 1e-4


@pytest.mark.parametrize(
    ("initialization", "moving"), [("zeros", "1 of 7"), ("zero layer", "4 of 7"), ("default", "7 of 7")]
)
def test_which_tensors_have_a_first_gradient(runs: dict[str, TrainingResult], initialization: str, moving: str) -> None:
    assert runs[initialization].moving == moving


def test_only_the_weights_are_scaled() -> None:
    network = Network(5, LanguageModelConfig(hidden_size=HIDDEN, dropout=0, tie_weights=False))
    before = [weight.detach().clone() for weight in network.recurrent.weights(0)]
    with torch.no_grad():
        scale(network, 3.0)
    for now, weight, factor in zip(network.recurrent.weights(0), before, (3, 3, 1, 1), strict=True):
        torch.testing.assert_close(now.detach(), factor * weight)


def test_units_are_counted_once() -> None:
    outputs = torch.tensor([[0.0, 1.0], [0.0, 1.00001], [0.5, 1.0], [-1.0, 0.0]])
    assert distinct_units(outputs) == (3, 1.5)
    assert distinct_units(torch.zeros(4, 2)) == (1, 0.0)


@pytest.mark.slow
def test_the_study_of_initialization_finds(
    script: Callable[..., subprocess.CompletedProcess[str]], poems_txt: Path, tmp_path: Path
) -> None:
    ran = script(
        "study",
        "study=initialization",
        "study.data.source=text",
        f"study.data.path={poems_txt}",
        "study.hidden_size=8",
        "study.steps=4",
        "hydra.run.dir=run",
    )
    assert ran.returncode == 0, ran.stderr
    found = (tmp_path / "run" / "findings.md").read_text(encoding="utf-8")
    assert found.strip() in ran.stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found.splitlines() if line.startswith("|")]
    names = ["zeros", "zero layer", "equal units", "× 0.01", "default", "× 30"]
    assert [row[0] for row in rows if row[0] in names] == names * 3
    assert ["zeros", "1 of 8", "1 of 8", "0", "1 of 7"] in rows
    assert (tmp_path / "run" / "initialization.png").stat().st_size > 10_000
