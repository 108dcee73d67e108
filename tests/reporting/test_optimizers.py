import math

import pytest

from tang.reporting.configurations import read_sweep
from tang.reporting.optimizers import early_losses, section
from tests.reporting.conftest import Make

Losses = dict[str, dict[str, float]]


def answers(make: Make, losses: Losses, early: dict[str, float], experiment: str = "compare_optimizers") -> list[str]:
    """The report's sentences on claims."""
    for optimizer, by_scale in losses.items():
        for scale, loss in by_scale.items():
            for seed in (1, 2, 3):
                varied = [f"optimizer={optimizer}", f"optimizer.lr_scale={scale}", f"seed={seed}"]
                last = loss + seed / 1000
                folder = make(
                    [f"experiment={experiment}", *varied],
                    last,
                    [early[optimizer] + seed / 1000, 9, 9, last] if math.isfinite(loss) else [],
                )
    sweep = read_sweep(folder.parent)
    return [part for part in "\n\n".join(section(sweep)).split("\n\n") if part.startswith("**")]


def test_the_claims_are_answered_from_the_numbers(make: Make) -> None:
    losses = {
        "adam": {"0.1": 5.08, "1": 5.0, "10": 5.05},
        "adagrad": {"0.1": 6.0, "1": 4.8, "10": 6.0},
        "momentum": {"0.1": 6.0, "1": 5.3, "10": math.inf},
    }
    beats, fast, sensitive = answers(make, losses, {"adam": 6.5, "adagrad": 6.0, "momentum": 6.2})
    assert beats == (
        "**A, “Adagrad beats Adam”: yes.** At their best adagrad 4.8020 ± 0.0010, adam 5.0020 ± 0.0010; "
        "the difference is +0.2000 (+0.2000 to +0.2000)."
    )
    assert fast.startswith(
        "**D, “momentum is fast, Adam slower”: yes.** At the first validation after 25% of the training momentum 6.2020"
    )
    assert sensitive.endswith("yes.** 3 of 3 rates are good for adam, 1 of 3 for momentum.")


def test_other_numbers_give_other_answers(make: Make) -> None:
    losses = {"adam": {"1": 5.0, "10": 6.0}, "adagrad": {"1": 5.0001, "10": 5.0}, "momentum": {"1": 5.3, "10": 5.3}}
    beats, fast, sensitive = answers(make, losses, {"adam": 6.0, "adagrad": 6.0, "momentum": 6.2})
    assert "“Adagrad beats Adam”: can't be told." in beats
    assert "“momentum is fast, Adam slower”: no." in fast
    assert "Adam stable”: no.** 1 of 2 rates are good for adam, 2 of 2 for momentum." in sensitive


def test_one_rate_more_is_hardly_a_difference(make: Make) -> None:
    losses = {"adam": {"1": 5.0, "3": 5.05, "10": 6.0}, "momentum": {"1": 5.0, "3": 6.0, "10": math.inf}}
    *_, sensitive = answers(make, losses, {"adam": 6.0, "momentum": 6.0})
    assert sensitive.endswith("barely: by one rate.** 2 of 3 rates are good for adam, 1 of 3 for momentum.")


def test_early_is_a_quarter_of_the_longest_run(make: Make) -> None:
    make(["optimizer=adam"], 1.0, [8, 7, 6, 5, 4, 3, 2, 1])
    make(["optimizer=sgd"], 5.0, [8.5, 7.5, 6.5, 5.5])  # stopped early
    folder = make(["optimizer=momentum"], math.inf, [8.0])
    sweep = read_sweep(folder.parent)
    assert [early_losses(sweep, configuration) for configuration in sweep.configurations] == [{"": 7.0}, {"": 7.5}, {}]


@pytest.mark.parametrize("optimizers", [["adam", "sgd"], ["adagrad"]])
def test_a_claim_about_optimizers_that_did_not_run_has_no_answer(make: Make, optimizers: list[str]) -> None:
    assert not answers(make, {name: {"1": 5.0, "3": 6.0} for name in optimizers}, dict.fromkeys(optimizers, 6.0))


def test_another_sweep_did_not_ask(make: Make) -> None:
    losses = {"adam": {"1": 5.0, "3": 6.0}, "adagrad": {"1": 4.0, "3": 5.0}}
    assert answers(make, losses, dict.fromkeys(losses, 6.0), "tang") == []


def test_a_search_over_rates_says_nothing_of_them(make: Make) -> None:
    for number, optimizer in enumerate(["adam", "momentum"] * 3):
        folder = make([f"optimizer={optimizer}", f"optimizer.lr_scale={1 + number / 7}"], 5.0 + number)
    assert "rates" not in "".join(section(read_sweep(folder.parent)))
