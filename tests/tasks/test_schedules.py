import math

import pytest
import torch
from torch import nn

from tang.errors import InputError
from tang.tasks import schedules


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=2.0)


def test_cosine_rises_to_the_rate_and_falls_to_its_share() -> None:
    sgd = optimizer()
    schedule = schedules.cosine(sgd, 100, warmup=0.1, final=0.25)
    rates = []
    for _ in range(100):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        schedule["scheduler"].step()
    assert schedule["interval"] == "step"
    assert rates[:11] == sorted(rates[:11])
    assert rates[10] == max(rates) == pytest.approx(2.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(2.0 * (0.25 + 0.75 / 2))
    assert sgd.param_groups[0]["lr"] == pytest.approx(0.5)


def test_cosine_needs_an_end() -> None:
    with pytest.raises(InputError, match=r"trainer\.max_epochs or trainer\.max_steps"):
        schedules.cosine(optimizer(), math.inf, warmup=0.1, final=0.0)


def test_plateau_falls_when_the_loss_stays() -> None:
    sgd = optimizer()
    schedule = schedules.plateau(sgd, 100, factor=0.5, patience=0)
    for loss in (3.0, 2.0, 2.0, 1.0):
        schedule["scheduler"].step(loss)
    assert schedule["monitor"] == "val/loss"
    assert sgd.param_groups[0]["lr"] == 1.0


def test_none_is_constant() -> None:
    assert schedules.none(optimizer(), 100) is None
