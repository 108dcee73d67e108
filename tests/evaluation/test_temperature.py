import pytest
import torch

from tang.evaluation.losses import token_losses
from tang.evaluation.perplexity import measure_perplexity
from tang.evaluation.temperature import best_temperature
from tang.tasks.language_model import LanguageModel


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_model_whose_logits_are_scaled_is_scaled_back(model: LanguageModel, factor: float) -> None:
    loader = model.data_module(batch_size=16).loader("val")
    head = model.network.head
    with torch.no_grad():  # a model that has learnt how frequent characters are, and nothing else
        counts = torch.cat([batch.targets.flatten() for batch in loader]).bincount(minlength=len(head.bias))[1:]
        head.weight.zero_()
        head.bias.copy_(torch.cat((torch.full((1,), -30.0), (counts + 1e-3).log())))
    exact = best_temperature(model, loader)
    assert exact == pytest.approx(1, abs=0.01)
    with torch.no_grad():
        head.bias.mul_(factor)
    assert best_temperature(model, loader) == pytest.approx(factor, rel=0.05)


def test_the_card_shows_the_perplexity_at_the_temperature_of_val(model: LanguageModel) -> None:
    data = model.data_module(batch_size=16)
    card = measure_perplexity(model, data, "test", fit_temperature=True)
    temperature = best_temperature(model, data.loader("val"))
    assert card.temperature == temperature
    expected = token_losses(model, data.loader("test"), temperature=temperature).nll.mean().exp().item()
    assert card.ppl_at_temperature == pytest.approx(expected)
    assert measure_perplexity(model, data, "test").ppl_at_temperature is None
