import statistics

import pytest

from tang.reporting.significance import holm, interval, paired_p, two_sided_p


@pytest.mark.parametrize(("t", "freedom"), [(12.7062, 1), (4.30265, 2), (2.77645, 4), (1.98397, 100)])
def test_the_tables_of_students_t_come_out(t: float, freedom: float) -> None:
    assert two_sided_p(t, freedom) == pytest.approx(0.05, rel=1e-4)


def test_tails_far_out_are_exact() -> None:
    assert two_sided_p(1e4, 2) == pytest.approx(1e-8, rel=1e-3)  # 1 − t / √(t² + 2)


def test_pairs_show_what_their_spread_hides() -> None:
    pairs = [0.12, 0.19, 0.15, 0.14]
    error = statistics.stdev(pairs) / 2
    assert paired_p(pairs) == pytest.approx(two_sided_p(0.15 / error, 3))
    assert interval(pairs) == pytest.approx((0.15 - 3.18245 * error, 0.15 + 3.18245 * error), rel=1e-4)


def test_equal_differences_are_certain_and_none_is_not() -> None:
    assert paired_p([1.0, 1.0]) == 0
    assert paired_p([0.0, 0.0]) == 1


def test_holm_stops_at_the_first_that_stands() -> None:
    assert holm([0.03, 0.01, 0.04, 0.02]) == [False, True, False, False]
    assert holm([0.001, 0.001, 0.04]) == [True, True, True]
