"""What the study finds in models whose insides the test has set."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tang.config.studies import Inside
from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from tang.errors import InputError
from tang.evaluation.parts import Constant, Forgetful, Recorded, replaced
from tang.studies.inside import observed, sequence
from tang.studies.inside.cells import cells, read_verse
from tang.studies.inside.context import SIZES, context
from tang.studies.inside.echoes import echoes
from tang.studies.inside.gates import gates
from tang.studies.inside.probe import probed
from tang.studies.inside.reading import counted, mean_and_error, read_poems, read_tokens
from tang.tasks.poem_model import PoemModel
from tests.conftest import verse

MARKS = "，。"


@pytest.fixture(scope="module")
def poems() -> list[str]:
    return [verse(seed) for seed in range(60)]


@pytest.fixture(scope="module")
def vocabulary(poems: list[str]) -> Vocabulary:
    return Vocabulary([*SPECIALS, *sorted(set("".join(poems)))])


@pytest.fixture(scope="module")
def sequences(poems: list[str], vocabulary: Vocabulary) -> Sequences:
    ids = [[BOS, *vocabulary.encode(poem), EOS] for poem in poems]
    return Sequences(np.concatenate(ids), np.cumsum([0, *map(len, ids)]))


def model_of(vocabulary: Vocabulary, **keys: object) -> PoemModel:
    """An untrained model of these sizes."""
    torch.manual_seed(0)
    return PoemModel({"hidden_size": 8, **keys}, vocabulary.symbols, {}).eval()


@pytest.fixture(scope="module")
def counting(vocabulary: Vocabulary) -> PoemModel:
    """A model whose cell 0 counts the characters of a line by tenths, and whose head writes a mark after five."""
    model = model_of(vocabulary, tie_weights=False)
    network, ends = model.network, torch.tensor(vocabulary.begins_line)
    is_mark = torch.tensor([symbol in MARKS for symbol in vocabulary.symbols])
    with torch.no_grad():
        network.embedding.weight[:, 0] = ends.float()
        weight_ih, weight_hh, bias_ih, bias_hh = network.recurrent.weights(0)
        for values in (weight_ih, weight_hh, bias_ih, bias_hh):
            values[::8] = 0
        forget, add, gate, output = bias_ih[8::8], bias_ih[0::8], bias_ih[16::8], bias_ih[24::8]
        add[0], forget[0], gate[0], output[0] = 20, 20, np.arctanh(0.1), 20
        weight_ih[0, 0] = weight_ih[8, 0] = -40  # a mark shuts both gates: nothing stays, nothing comes in
        network.head.weight.zero_()
        network.head.bias.zero_()
        network.head.weight[is_mark, 0] = 400
        network.head.bias[is_mark] = -400 * np.tanh(0.45)
    return model


def test_places_lines_and_lengths_are_counted(vocabulary: Vocabulary) -> None:
    (poems,) = read_poems(sequence(vocabulary, "花月，风花雪。"))
    place, line, length = counted(vocabulary, poems)[:, 0].tolist()
    assert place == [0, 1, 2, 0, 1, 2, 3, 0]
    assert line == [1, 1, 1, 2, 2, 2, 2, 3]
    assert length == [2, 2, 2, 3, 3, 3, 3, 0]


def test_a_counting_cell_is_found(counting: PoemModel, sequences: Sequences) -> None:
    _, _, moments, _ = observed(counting, sequences)
    place, line, _ = moments.r2  # all lines are equally long
    assert place[0] > 0.999
    assert place[1:].max() < 0.9
    assert line.max() < 0.9


def test_without_the_counting_cell_no_line_ends(counting: PoemModel, sequences: Sequences) -> None:
    _, _, moments, _ = observed(counting, sequences)
    with torch.inference_mode():
        whole, held, others = (
            read_verse(counting, sequences, torch.tensor(cells, dtype=torch.long), moments.mean.float())
            for cells in ([], [0], [1, 2])
        )
    assert whole.mark[whole.is_end].mean() > 0.99
    assert whole.mark[~whole.is_end].mean() < 0.01
    assert held.mark[held.is_end].mean() < 0.01
    np.testing.assert_allclose(others.mark, whole.mark, atol=1e-6)


def test_cells_are_held_by_their_numbers(counting: PoemModel, sequences: Sequences) -> None:
    _, _, moments, _ = observed(counting, sequences)
    found = cells(counting, moments, sequences, ("花月。",), Inside(cells=1, held=[0], poems=5), 1).text
    (row,) = (row.split("|") for row in found.splitlines() if row.startswith("| 5        | 0 "))
    assert float(row[3].split("±")[0]) < 0.01  # a mark at ends
    with pytest.raises(InputError, match=r"study\.held=8: the layer has cells 0 to 7"):
        cells(counting, moments, sequences, ("花月。",), Inside(held=[8]), 1)


def test_gates_are_counted(counting: PoemModel, sequences: Sequences) -> None:
    tokens, (layer,), *_ = observed(counting, sequences)
    shut, opened = layer.shut[:2, 0] / layer.steps, layer.open[:2, 0] / layer.steps
    ends = 5 / 25  # <bos> and four marks among the 25 characters that predict one
    torch.testing.assert_close(shut, torch.tensor([ends, ends], dtype=torch.float64))
    torch.testing.assert_close(opened, 1 - shut)
    assert layer.time_constants[0] == pytest.approx(-1 / np.log(1 - ends), rel=1e-6)
    assert "a line with its\nmark is 6.0 steps here, a couplet 12.0, a poem 25.0" in gates([layer], tokens).text


@pytest.mark.parametrize("keys", [{}, {"num_layers": 2}, {"echo_size": 4, "echo_to_head": True}])
def test_recorded_layers_compute_what_the_network_does(
    vocabulary: Vocabulary, sequences: Sequences, keys: dict[str, object]
) -> None:
    model = model_of(vocabulary, **keys)
    plain = read_tokens(model, read_poems(sequences))
    recorded = Recorded(model.network.recurrent)
    with replaced(model.network, "recurrent", recorded):
        np.testing.assert_allclose(read_tokens(model, read_poems(sequences)).nll, plain.nll, atol=1e-5)
    assert len(recorded.records) == keys.get("num_layers", 1)
    np.testing.assert_array_equal(read_tokens(model, read_poems(sequences)).nll, plain.nll)  # it is back


@torch.no_grad()
def test_a_forgetful_stack_reads_the_last_characters_alone(vocabulary: Vocabulary) -> None:
    recurrent = model_of(vocabulary, num_layers=2).network.recurrent
    inputs = torch.randn(3, 7, 8)
    forgetful = Forgetful(recurrent, (1, 3, 9))
    forgetful(inputs)
    for size, outputs in forgetful.outputs.items():
        for step in range(7):
            window = inputs[:, max(0, step + 1 - size) : step + 1]
            torch.testing.assert_close(outputs[:, step], recurrent(window)[0][:, -1], atol=1e-6, rtol=0)


def test_a_state_that_keeps_nothing_loses_nothing_when_it_is_cut(vocabulary: Vocabulary, sequences: Sequences) -> None:
    model = model_of(vocabulary)
    with torch.no_grad():
        _, weight_hh, bias_ih, _ = model.network.recurrent.weights(0)
        weight_hh.zero_()
        bias_ih[8:16] = -100  # forget gates
    _, _, *rows = (row.split("|") for row in context(model, sequences).text.splitlines() if row.startswith("| "))
    assert [row[1].strip() for row in rows] == [str(size) for size in SIZES]
    assert {row[2].strip().lstrip("-") for row in rows} == {"0.000 ± 0.000"}


def test_what_the_network_does_not_use_is_worth_nothing(vocabulary: Vocabulary, sequences: Sequences) -> None:
    model = model_of(vocabulary, echo_size=4)
    with torch.no_grad():
        model.network.recurrent.weights(0)[0][:, 8 + 4 :] = 0  # the second line above, and the place
    rows = [row.split("|")[1:3] for row in echoes(model, sequences).text.splitlines() if row.startswith("| ")]
    worth = {name.strip(): value.strip() for name, value in rows}
    assert worth["2 lines above"] == worth["the place in the line"] == "~0.000 ± 0.000"
    assert worth["the character before"] != "~0.000 ± 0.000"
    assert worth["one line above"] != "~0.000 ± 0.000"


def test_a_constant_embedding_has_one_vector() -> None:
    vector = torch.arange(3.0)
    assert torch.equal(Constant(vector)(torch.tensor([[4, 2]])), torch.stack((vector, vector))[None])


def test_a_probe_reads_what_is_there_and_nothing_else() -> None:
    random = np.random.default_rng(0)
    classes = [f"{number}" for number in random.integers(4, size=800)]
    noise = torch.from_numpy(random.normal(size=(800, 20))).float()
    copied = torch.cat((noise, torch.nn.functional.one_hot(torch.tensor([int(c) for c in classes])).float()), 1)
    owners = list(range(400)) * 2
    found = probed(copied, classes, owners, seed=1)
    assert (found.found, found.lines) == (1.0, 160)
    assert found.shuffled < 0.4
    assert probed(noise, classes, owners, seed=1).found < 0.4


def test_tokens_of_a_poem_belong_together() -> None:
    alike = np.repeat([1.0, -1.0], 50)
    assert mean_and_error(alike, np.repeat([0, 1], 50))[1] == pytest.approx(0.5**0.5)
    assert mean_and_error(alike, np.arange(100))[1] == pytest.approx(0.1)


@pytest.mark.slow
def test_the_study_looks_inside(
    script: Callable[..., subprocess.CompletedProcess[str]], small: Sequence[str], tmp_path: Path
) -> None:
    trained = script("train", *small, "model.echo_size=4", "trainer.max_epochs=1", "hydra.run.dir=run")
    assert trained.returncode == 0, trained.stderr
    ran = script(
        "study",
        "study=inside",
        "study.ckpt=run",
        "study.poems=10",
        "study.cells=2",
        "study.held=[1,3]",
        "hydra.run.dir=found",
    )
    assert ran.returncode == 0, ran.stderr
    found = (tmp_path / "found" / "findings.md").read_text(encoding="utf-8")
    assert [line[3:] for line in found.splitlines() if line.startswith("## ")] == [
        "1. Surprise",
        "2. Gates",
        "3. Cells that count",
        "4. Is the rhyme in there?",
        "5. How far back",
        "6. What the parts of the input do",
    ]
    for name in ("surprise", "gates", "cells", "probe", "context", "echoes"):
        assert (tmp_path / "found" / f"{name}.png").stat().st_size > 10_000
