import subprocess
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from tang.config.data import PoemsConfig
from tang.config.model import LanguageModelConfig
from tang.config.studies import FlowLanguage, FlowRecall
from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.data.vocabulary import BOS, Vocabulary
from tang.errors import InputError
from tang.studies.architectures import NETS
from tang.studies.flow import first_characters, gradient_norms, half_life, line_ends, relative
from tang.studies.recall import accuracies, sequences
from tang.studies.short_training import seeded
from tang.tasks.network import Network

CELLS = ["rnn", "gru", "lstm"]


def small_network(cell: str) -> Network:
    with seeded(0):
        return Network(7, LanguageModelConfig(embedding_size=3, hidden_size=4, dropout=0, cell=cell)).double()


def batch(poems: int, length: int) -> Batch:
    ids = torch.randint(1, 7, (poems, length + 1), generator=torch.Generator().manual_seed(0))
    return Batch(ids[:, :-1], ids[:, 1:], poems * length)


@pytest.mark.parametrize("cell", CELLS)
def test_norms_are_those_of_a_net_resumed_from_its_state(cell: str) -> None:
    # PyTorch's own layer, resumed after step k: its initial state is h_k and C_k, independent of each other.
    network, poems = small_network(cell), batch(2, 6)
    hidden, memory, _ = gradient_norms(network, poems, seed=0)
    for k in range(1, 6):
        _, state = network.recurrent(network.embedding(poems.inputs[:, :k]))
        state = tuple(part.detach().requires_grad_() for part in state)
        logits, _ = network(poems.inputs[:, k:], state)
        loss = F.cross_entropy(logits[:, -1], poems.targets[:, -1], reduction="sum")
        (by_hidden, *by_cell) = torch.autograd.grad(loss, state)
        torch.testing.assert_close(hidden[k - 1], by_hidden[0].norm(dim=1).mean())
        if by_cell:  # h_k = o tanh(C_k) follows C_k
            h, c = (part[0].detach() for part in state)
            through_hidden = by_hidden[0] * h / c.tanh() * (1 - c.tanh() ** 2)
            torch.testing.assert_close(memory[k - 1], (by_cell[0][0] + through_hidden).norm(dim=1).mean())


def test_cell_to_cell_is_a_difference_quotient_along_the_direction() -> None:
    network, poems, step = small_network("lstm"), batch(1, 2), 1e-6
    direction = F.normalize(torch.randn(1, 4, generator=torch.Generator().manual_seed(0))).double()
    first, second = network.embedding(poems.inputs).transpose(0, 1)
    with torch.no_grad():
        _, (h, c) = network.recurrent(first[:, None])
        quotients = []
        for unit in range(4):
            ends = []
            for sign in (1, -1):
                moved = c.clone()
                moved[0, 0, unit] += sign * step
                _, (_, after) = network.recurrent(second[:, None], (h / c.tanh() * moved.tanh(), moved))
                ends.append((after[0] * direction).sum())
            quotients.append((ends[0] - ends[1]) / (2 * step))
    *_, norms = gradient_norms(network, poems, seed=0)
    torch.testing.assert_close(norms, torch.stack([torch.stack(quotients).norm(), torch.tensor(1.0).double()]))


def test_half_life_is_that_of_an_even_decay() -> None:
    norms = torch.tensor([[1.0, 2.0, 4.0, 8.0]])
    assert relative(norms).tolist() == [[1, 0.5, 0.25, 0.125]]
    assert half_life(relative(norms)[0]) == "1.0 steps"
    assert half_life(torch.tensor([1.0, 2.0])) == "no decay"


def test_poems_are_held_out_and_of_one_length(poems_txt: Path, tmp_path: Path) -> None:
    module = PoemDataModule(PoemsConfig(source="text", path=str(poems_txt), cache=str(tmp_path)))
    poems = first_characters(module, FlowLanguage(characters=31, poems=5))
    assert poems.inputs.shape == poems.targets.shape == (5, 31)
    assert poems.targets.all(), "nothing is padded"
    held_out = {tuple(sequence[1:32]) for sequence in map(module.prepared.splits["val"].__getitem__, range(20))}
    assert {tuple(row.tolist()) for row in poems.targets} <= held_out
    with pytest.raises(InputError, match=r"study\.language\.characters=999: no held-out poem is so long"):
        first_characters(module, FlowLanguage(characters=999, poems=5))


def test_lines_end_where_every_poem_has_a_mark() -> None:
    texts = ["春眠，不觉。晓", "处处，闻，啼鸟"]
    vocabulary = Vocabulary.build(texts)
    ids = torch.tensor([[BOS, *vocabulary.encode(text)] for text in texts])
    assert line_ends(Batch.of(ids, ids[:, 1:].numel()), vocabulary) == [3]  # BOS 处 处 ， 闻 ， 啼 to predict 鸟


@pytest.mark.parametrize("lag", [0, 1, 7])
def test_a_recall_asks_for_the_first_symbol_after_the_lag(lag: int) -> None:
    for ids, targets in islice(sequences(5, lag, 200, torch.Generator().manual_seed(0)), 2):
        assert ids.shape == (200, lag + 2)
        assert torch.equal(ids[:, 0], targets)
        assert (ids[:, -1] == 5).all()
        assert set(ids[:, :-1].flatten().tolist()) == set(range(5))


@pytest.mark.parametrize("name", NETS)
def test_every_net_learns_short_recalls(name: str) -> None:
    def recalled(lags: list[int], steps: int) -> float:
        task = FlowRecall(lags, symbols=4, embedding_size=8, hidden_size=16, steps=steps, batch_size=32, lr=1e-2)
        return accuracies(NETS[name], 0, task).min().item()

    assert recalled([0, 1, 2], steps=100) > 0.9
    assert recalled([2], steps=0) < 0.6


@pytest.mark.slow
def test_the_study_of_flow_finds(
    script: Callable[..., subprocess.CompletedProcess[str]], poems_txt: Path, tmp_path: Path
) -> None:
    ran = script(
        "study",
        "study=flow",
        "study.data.source=text",
        f"study.data.path={poems_txt}",
        "study.seeds=2",
        "study.language={hidden_size: 8, steps: 3, poems: 4}",
        "study.recall={lags: [1, 3], hidden_size: 8, steps: 3}",
        "hydra.run.dir=run",
    )
    assert ran.returncode == 0, ran.stderr
    found = (tmp_path / "run" / "findings.md").read_text(encoding="utf-8")
    assert found.strip() in ran.stdout
    for name in NETS:
        assert sum(line.startswith(f"| {name} ") for line in found.splitlines()) == 3 * 2 + 1
    assert "chance is 3.1%" in found
    for name in ("gradient_flow", "cell_flow", "recall"):
        assert (tmp_path / "run" / f"{name}.png").stat().st_size > 10_000
