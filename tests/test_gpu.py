"""What a GPU computes, beside a CPU in float64: ``python -m pytest -m gpu``, where there is one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ours
import pytest
import torch
from replay import replayed
from torch import Tensor

from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import PAD
from tang.recurrent.stack import backends_of
from tang.runs.run import RunFolder
from tang.tasks.cross_entropy import linear_cross_entropy
from tang.tasks.echo import Echo
from tang.tasks.language_model import LanguageModel
from tang.tasks.network import Network
from tang.training import run as training
from tests.bench.test_replay import BARE, replays
from tests.commands import Script
from tests.generation.test_generate import poems
from tests.resuming import differences, state
from tests.test_config import settings

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]

V = 300


@pytest.fixture(autouse=True)
def full_float32() -> Iterator[None]:
    """Keep cuDNN from rounding float32 to TF32's ten bits."""
    before, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
    yield
    torch.backends.cudnn.allow_tf32 = before


def loss_and_gradients(
    config: LanguageModelConfig, device: str, dtype: torch.dtype, bf16: bool = False
) -> dict[str, Tensor]:
    """Of a network with equal weights on every device, on equal poems of unequal length."""
    torch.manual_seed(0)
    ends = torch.zeros(V, dtype=torch.bool)
    ends[2:6] = True
    network = Network(V, replace(config, dropout=0.0), Echo(ends, 8, 2, None)).to(device, dtype)
    ids = torch.randint(3, V, (24, 41), generator=torch.Generator().manual_seed(1))
    ids[:, 0] = 2
    for row, length in enumerate(range(17, 41)):
        ids[row, length:] = PAD
    ids = ids.to(device)
    with torch.autocast(device, torch.bfloat16, enabled=bf16):
        features = network.read(ids[:, :-1]).features
        head = network.head
        loss = linear_cross_entropy(features.flatten(0, 1), head.weight, head.bias, ids[:, 1:].T.flatten(), PAD)
    loss.backward()
    found = {name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None}
    return {"loss": loss.detach(), **found}


def worst(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest ‖difference‖ ÷ ‖expected‖ of the loss and of any gradient."""
    assert found.keys() == expected.keys()
    pairs = ((found[name].double().cpu(), expected[name]) for name in expected)
    return max(float((a - b).norm() / b.norm()) for a, b in pairs)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_every_backend_computes_what_a_cpu_computes_in_float64(cell: str, layers: int) -> None:
    config = LanguageModelConfig(embedding_size=64, hidden_size=96, num_layers=layers, cell=cell, backend="equations")
    expected = loss_and_gradients(config, "cpu", torch.float64)
    for backend in backends_of(cell):
        found = loss_and_gradients(replace(config, backend=backend), "cuda", torch.float32)
        assert worst(found, expected) < 1e-5, backend


@pytest.mark.parametrize("backend", ["torch", "bptt"])
def test_bfloat16_rounds_and_no_more(backend: str) -> None:
    config = LanguageModelConfig(embedding_size=64, hidden_size=96, backend="equations")
    expected = loss_and_gradients(config, "cpu", torch.float64)
    found = loss_and_gradients(replace(config, backend=backend), "cuda", torch.float32, bf16=True)
    assert worst(found, expected) < 3e-2
    assert abs(float(found["loss"]) / float(expected["loss"]) - 1) < 1e-3


@pytest.mark.parametrize(("precision", "layers"), [("32-true", 1), ("bf16-mixed", 1), ("32-true", 2)])
def test_a_run_that_is_resumed_ends_as_one_that_was_not_stopped(
    precision: str, layers: int, poems_txt: Path, tmp_path: Path
) -> None:
    corpus = ["data=text", f"data.path='{poems_txt}'", f"data.cache='{tmp_path / 'cache'}'", "data.min_count=1"]
    model = ["model.hidden_size=32", "model.echo_size=4", "model.locked_dropout=true", "model.weight_dropout=0.2"]
    model += [f"model.num_layers={layers}"]  # between two, cuDNN has random numbers of its own
    more = [f"trainer.precision={precision}", "scheduler=none", "trainer.deterministic=true", "logger=none"]

    def run(folder: str, epochs: int) -> Path:
        config = settings(*corpus, *model, *more, f"trainer.max_epochs={epochs}", "trainer.enable_progress_bar=false")
        training.train(config, RunFolder(tmp_path / folder), is_sweep=False)
        return tmp_path / folder

    whole = state(run("whole", 2))
    run("stopped", 1)
    assert differences(whole, state(run("stopped", 2))) == []


def test_jobs_that_are_forked_compute_on_the_gpu(fresh_script: Script, small: Sequence[str]) -> None:
    arguments = ["trainer.accelerator=cuda", "seed=1,2", "hydra/launcher=gpus", "-m"]
    done = fresh_script("train", *small[:-1], *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("computing on cuda") == 2


@pytest.mark.parametrize("keys", [{}, {"rhyme": "true", "tones": "loose"}])
def test_poems_in_float32_are_those_of_a_cpu(keys: dict[str, Any], model: LanguageModel) -> None:
    keys = {"start": ["日", "月"], "n": 50, "form": "五言绝句", "seed": 1, **keys}
    expected = poems(model, **keys)
    found = poems(model.to("cuda"), **keys)
    assert [poem.text for poem in found] == [poem.text for poem in expected]
    likelihoods = [poem.log_likelihood for poem in expected]
    assert [poem.log_likelihood for poem in found] == pytest.approx(likelihoods, rel=1e-4)


@pytest.mark.filterwarnings("ignore:This instance was constructed with capturable")
@pytest.mark.parametrize("layers", [1, 2])
def test_a_replayed_step_does_what_it_does_when_launched(layers: int, poems_txt: Path, tmp_path: Path) -> None:
    overrides = [*BARE, f"data.path={poems_txt}", f"data.cache={tmp_path}", f"model.num_layers={layers}"]
    launched, loader = ours.bare([*overrides, "trainer.accelerator=cuda"], "cuda")
    step, _ = ours.bare([*overrides, "trainer.accelerator=cuda"], "cuda")
    assert replays(launched, step, replayed(step), loader) < 1e-9
