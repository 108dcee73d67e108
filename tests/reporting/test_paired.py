import math

import pytest

from tang.reporting.configurations import read_sweep
from tang.reporting.paired import UNKNOWN, differences, section
from tang.reporting.report import write_report
from tests.reporting.conftest import Make


def test_pairs_show_what_the_spread_between_configurations_hides(make: Make) -> None:
    """Adagrad is better by .12 to .19 in all four pairs of seed and tying, while tying changes much more."""
    gains = iter((0.12, 0.19, 0.15, 0.14))
    for seed in ("1", "2"):
        for tying, base in (("true", 5.0), ("false", 6.0)):
            gain = next(gains)
            for optimizer, loss in (("adam", base), ("adagrad", base - gain)):
                folder = make(
                    [f"optimizer={optimizer}", f"model.tie_weights={tying}", f"seed={seed}"], loss + 0.01 * int(seed)
                )
    by_optimizer, by_tying = differences(read_sweep(folder.parent))
    assert (by_optimizer.key, by_optimizer.value, by_optimizer.best) == ("optimizer", "adam", "adagrad")
    assert by_optimizer.worse == 4
    assert sorted(by_optimizer.pairs) == pytest.approx([0.12, 0.14, 0.15, 0.19])
    assert by_optimizer.mean == pytest.approx(0.15)
    assert by_tying.best == "true"
    report = write_report(folder.parent)
    assert "optimizer         | adam  | adagrad | +0.1500  | +0.1032 to +0.1968 | 4 of 4   | yes" in report


def test_runs_without_a_partner_or_a_loss_are_left_out(make: Make) -> None:
    make(["optimizer=adam", "seed=1"], 5.0)
    make(["optimizer=adam", "seed=2"], math.inf)
    make(["optimizer=sgd", "seed=2"], 6.0)
    folder = make(["optimizer=sgd", "seed=1"], 6.0)
    assert section(read_sweep(folder.parent))[1:] == [UNKNOWN], "one pair has no spread"


def test_optimizers_are_compared_at_the_best_of_their_rates(make: Make) -> None:
    rates = {"adam": {"1": 5.0, "10": 5.1}, "adagrad": {"1": 4.9, "10": 9.0}}  # on the mean Adagrad is the worse
    for seed in (1, 2):
        for optimizer, losses in rates.items():
            for rate, loss in losses.items():
                folder = make([f"optimizer={optimizer}", f"optimizer.lr_scale={rate}", f"seed={seed}"], loss + seed)
    sweep = read_sweep(folder.parent)
    by_optimizer, by_rate = differences(sweep)
    assert (by_optimizer.value, by_optimizer.best) == ("adam", "adagrad")
    assert by_optimizer.pairs == pytest.approx([0.1, 0.1])
    assert len(by_rate.pairs) == 4
    assert "at the best of its learning rates" in section(sweep)[1]


def test_seeds_alone_say_nothing_of_keys(make: Make) -> None:
    make(["optimizer=adam", "seed=1"], 5.0)
    assert section(read_sweep(make(["optimizer=adam", "seed=2"], 5.1).parent)) == []


@pytest.mark.parametrize("seeds", [["1"], ["1", "2"]])
def test_differences_of_one_seed_are_said_to_be_so(make: Make, seeds: list[str]) -> None:
    for seed in seeds:
        for optimizer, dropout in (("adam", 0.0), ("adam", 0.5), ("sgd", 0.0), ("sgd", 0.5)):
            folder = make([f"optimizer={optimizer}", f"model.dropout={dropout}", f"seed={seed}"], 5.0 + dropout)
    _, explained, _ = section(read_sweep(folder.parent))
    assert ("All runs have one seed" in explained) == (seeds == ["1"])


def test_a_sweep_that_was_killed_says_so_first(make: Make) -> None:
    folder = make(["optimizer=adam", "seed=1"], 5.0).parent
    record = (
        "hydra:\n  overrides:\n    hydra: []\n    task: ['optimizer=adam,sgd', 'seed=1,2,3', model.hidden_size=9]\n"
    )
    (folder / "multirun.yaml").write_text(record, encoding="utf-8")
    first = write_report(folder).split("\n\n")[1]
    assert first.startswith("The sweep isn't complete: 5 of 6 runs never began; `python src/train.py -m resume=")
