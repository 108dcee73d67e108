import numpy as np
import torch

from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.evaluation.titles import measure_titles
from tang.tasks.poem_model import PoemModel

KNOWN = Vocabulary.build(["日月山水，。"])


def of(rows: list[list[int]]) -> Sequences:
    return Sequences(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))


def test_a_model_that_repeats_the_title_tells_titles_apart() -> None:
    torch.manual_seed(0)
    model = PoemModel({"hidden_size": 16}, KNOWN.symbols, {"titles": True}).train()
    characters = KNOWN.encode("日月山水")
    titles = of([[id] for id in characters])
    poems = Sequences(*_poems(characters), titles)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        ids = torch.tensor([[id, BOS, id, id] for id in characters])
        loss = torch.nn.functional.cross_entropy(
            model.network(ids[:, :-1])[0][:, 1:].flatten(0, 1), ids[:, 2:].flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert measure_titles(model.eval(), poems, 2).share == 1


def test_equal_and_empty_titles_do_not_count() -> None:
    torch.manual_seed(0)
    model = PoemModel({"hidden_size": 16}, KNOWN.symbols, {"titles": True}).eval()
    sun, moon = KNOWN.encode("日月")
    tokens, offsets = _poems([sun, moon, sun])
    titles = Sequences(np.array([sun, sun]), np.array([0, 1, 1, 2]))
    share = measure_titles(model, Sequences(tokens, offsets, titles), 2).share
    assert share in (0, 1), "the first poem's alone counts: the second has none, the third's is the first's"


def _poems(characters: list[int]) -> tuple[np.ndarray, np.ndarray]:
    poems = of([[BOS, id, id, EOS] for id in characters])
    return poems.tokens, poems.offsets


def test_without_two_titles_there_is_no_share() -> None:
    model = PoemModel({"hidden_size": 16}, KNOWN.symbols, {"titles": True}).eval()
    tokens, offsets = _poems(KNOWN.encode("日月"))
    titles = Sequences(np.array([5, 5]), np.array([0, 1, 2]))
    assert measure_titles(model, Sequences(tokens, offsets, titles), 2).share is None
