import math

import pytest

from tang.reporting.configurations import read_sweep
from tang.reporting.significance import UNKNOWN, Significance, holm, two_sided_p, welch
from tests.reporting.conftest import Make


@pytest.mark.parametrize(("t", "freedom"), [(12.7062, 1), (4.30265, 2), (2.77645, 4), (1.98397, 100)])
def test_the_tables_of_students_t_come_out(t: float, freedom: float) -> None:
    assert two_sided_p(t, freedom) == pytest.approx(0.05, rel=1e-4)


def test_tails_far_out_are_exact() -> None:
    assert two_sided_p(1e4, 2) == pytest.approx(1e-8, rel=1e-3)  # 1 − t / √(t² + 2)


def test_welch_is_students_test_for_equal_spreads() -> None:
    assert welch([1, 2, 3], [4, 5, 6]) == pytest.approx(two_sided_p(3 / math.sqrt(2 / 3), 4))


def test_welch_counts_less_freedom_for_unequal_spreads() -> None:
    wide, narrow = [1.0, 5.0, 9.0], [10.0, 10.001, 9.999]
    assert welch(wide, narrow) == pytest.approx(two_sided_p(5 / math.sqrt(16 / 3), 2), rel=1e-3)


def test_runs_without_any_spread_differ_or_not() -> None:
    assert welch([1, 1], [1, 1]) == 1
    assert welch([1, 1], [2, 2]) == 0


def test_holm_stops_at_the_first_that_stands() -> None:
    assert holm([0.03, 0.01, 0.04, 0.02]) == [False, True, False, False]
    assert holm([0.001, 0.001, 0.04]) == [True, True, True]


def test_only_differences_beyond_the_seeds_count(make: Make) -> None:
    for optimizer, losses in {
        "adam": (5.00, 5.01, 5.02),
        "sgd": (6.00, 6.01, 6.02),
        "adamw": (5.005, 5.03, 5.0),
    }.items():
        for seed, loss in enumerate(losses):
            folder = make([f"optimizer={optimizer}", f"seed={seed}"], loss)
    make(["optimizer=momentum", "seed=0"], math.inf)
    sweep = read_sweep(folder.parent)
    significance = Significance(sweep)
    assert [significance.verdict(configuration) for configuration in sweep.configurations] == [
        "",
        "not certain",
        "yes",
        "yes",
    ]
    assert "Worse by more than the noise: 1 of 2.\nMedian standard deviation over seeds: 0.0100." in significance.text()
    chain = "- `optimizer`: adam 5.0100 ± 0.0100, ≈ adamw 5.0117 ± 0.0161, > sgd 6.0100 ± 0.0100, > momentum diverged"
    assert significance.text().endswith(chain)


def test_one_seed_says_nothing_of_noise(make: Make) -> None:
    make(["optimizer=adam"], 5.0)
    folder = make(["optimizer=sgd"], 6.0)
    assert Significance(read_sweep(folder.parent)).text() == UNKNOWN
