"""Muon beside AdamW, and the resumption of every optimizer."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from tang.data.vocabulary import SPECIALS
from tang.tasks.language_model import LanguageModel
from tang.tasks.muon import Muon, is_hidden_matrix
from tang.training.build import build_optimizer
from tests.commands import ROOT
from tests.test_config import settings

SYMBOLS = [*SPECIALS, *map(chr, range(0x4E00, 0x4E20))]


def model(**sizes: object) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel({"hidden_size": 6, **sizes}, SYMBOLS, {})


def set_gradients(module: nn.Module, seed: int) -> None:
    torch.manual_seed(seed)
    for parameter in module.parameters():
        parameter.grad = torch.randn_like(parameter)


def weights(module: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


@pytest.mark.parametrize("tie_weights", [True, False])
def test_muon_has_the_recurrent_and_projection_matrices_alone(tie_weights: bool) -> None:
    module = model(embedding_size=4, num_layers=2, tie_weights=tie_weights)
    hidden = {name for name, parameter in module.named_parameters() if is_hidden_matrix(name, parameter)}
    matrices = {name for name, parameter in module.named_parameters() if parameter.ndim == 2}
    assert hidden == matrices - {"network.embedding.weight", "network.head.weight"}
    assert len(hidden) == (5 if tie_weights else 4)


def test_a_step_is_muons_and_adamws() -> None:
    ours, theirs = model(), model()
    optimizer = Muon(ours.named_parameters(), lr=0.1, weight_decay=0.01)
    split = [
        [p for name, p in theirs.named_parameters() if is_hidden_matrix(name, p) == side] for side in (True, False)
    ]
    muon = torch.optim.Muon(split[0], lr=0.1, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(split[1], lr=0.1, weight_decay=0.01)
    for seed in range(3):
        for module in (ours, theirs):
            set_gradients(module, seed)
        for one in (optimizer, muon, adamw):
            one.step()
    assert all(map(torch.equal, weights(ours), weights(theirs)))


def test_a_schedule_changes_both_rates_and_a_scaler_both_gradients() -> None:
    plain, scaled = model(), model()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    for module in (plain, scaled):
        optimizer = Muon(module.named_parameters(), lr=0.1, fused=True)
        schedule = LambdaLR(optimizer, lambda step: 0.5**step)
        for seed in range(3):
            assert [group["lr"] for group in optimizer.param_groups] == [0.1 * 0.5**seed] * 2
            set_gradients(module, seed)
            if module is scaled:
                scaler.scale(torch.ones(1))
                for parameter in module.parameters():
                    assert parameter.grad is not None
                    parameter.grad *= 2.0**10
                scaler.step(optimizer)
                scaler.update()
            else:
                optimizer.step()
            schedule.step()
    assert all(map(torch.equal, weights(plain), weights(scaled)))


@pytest.mark.parametrize("option", sorted(path.stem for path in (ROOT / "conf" / "optimizer").glob("*.yaml")))
def test_every_optimizer_resumes_from_its_state(option: str) -> None:
    module = model()
    module.optimizer = build_optimizer(settings(f"optimizer={option}").optimizer)
    optimizer = module.configure_optimizers()
    assert not any("param_names" in group for group in optimizer.param_groups), "they would be saved with the state"
    for seed in range(2):
        set_gradients(module, seed)
        optimizer.step()
    resumed = copy.deepcopy(module)
    other = resumed.configure_optimizers()
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for seed in range(2, 4):
        for one, trained in ((optimizer, module), (other, resumed)):
            set_gradients(trained, seed)
            one.step()
    assert all(map(torch.equal, weights(module), weights(resumed)))
    assert str(optimizer.state_dict()) == str(other.state_dict())
