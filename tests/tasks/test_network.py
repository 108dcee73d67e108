import pytest
import torch

from tang.config.model import LanguageModelConfig
from tang.tasks.network import Network


@pytest.mark.parametrize("embedding_size", [None, 5, 8])
@pytest.mark.parametrize("tie_weights", [True, False])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_every_combination_of_sizes_works(embedding_size: int | None, tie_weights: bool, num_layers: int) -> None:
    config = LanguageModelConfig(
        embedding_size=embedding_size, hidden_size=8, num_layers=num_layers, dropout=0.1, tie_weights=tie_weights
    )
    network = Network(11, config)
    logits, (hidden, cell) = network(torch.randint(11, (3, 7)))
    assert logits.shape == (3, 7, 11)
    assert hidden.shape == cell.shape == (num_layers, 3, 8)
    assert (network.head.weight is network.embedding.weight) == tie_weights
    assert isinstance(network.projection, torch.nn.Linear) == (tie_weights and embedding_size == 5)


def test_a_sequence_in_two_calls_equals_one_call() -> None:
    torch.manual_seed(0)
    network = Network(11, LanguageModelConfig(hidden_size=8, num_layers=2)).eval()
    ids = torch.randint(11, (3, 7))
    whole, _ = network(ids)
    first, state = network(ids[:, :4])
    second, _ = network(ids[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)


def test_logits_depend_on_earlier_characters_alone() -> None:
    torch.manual_seed(0)
    network = Network(11, LanguageModelConfig(hidden_size=8)).eval()
    ids = torch.randint(11, (1, 7))
    changed = ids.clone()
    changed[0, 4] = (ids[0, 4] + 1) % 11
    before, after = network(ids)[0], network(changed)[0]
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def in_training(**keys: float | bool) -> Network:
    torch.manual_seed(0)
    return Network(200, LanguageModelConfig(hidden_size=32, **keys)).train()  # type: ignore[arg-type]


def test_locked_dropout_zeroes_the_same_units_at_every_step_of_a_poem() -> None:
    ids = torch.full((2, 9), 7)
    network = in_training(dropout=0.5, locked_dropout=True)
    dropped = network._drop(network.embedding(ids.T))
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))
    assert not torch.equal(dropped[:, 0], dropped[:, 1])
    assert not torch.equal(*(in_training(dropout=0.5)._drop(network.embedding(ids.T))[:2]))
    assert torch.equal(network.eval()._drop(dropped), dropped)


def test_embedding_dropout_drops_a_character_wherever_it_stands() -> None:
    network = in_training(embedding_dropout=0.4, dropout=0.0)
    ids = torch.arange(200).repeat(2, 1)
    embedded = network._embedded(ids)
    is_dropped = (embedded == 0).all(-1)
    assert torch.equal(is_dropped[:, 0], is_dropped[:, 1])
    assert 0.25 < is_dropped[:, 0].float().mean() < 0.55
    kept = embedded[~is_dropped]
    torch.testing.assert_close(kept, network.embedding(ids.T)[~is_dropped] / 0.6)
    assert torch.equal(network.eval()._embedded(ids), network.embedding(ids.T))
