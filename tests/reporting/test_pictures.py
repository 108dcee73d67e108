import math

import pytest

from tang import fonts
from tang.errors import InputError
from tang.fonts import label
from tang.reporting.configurations import read_sweep
from tang.reporting.pictures import choose_keys, draw_curves, draw_heat_map, draw_parallel, mean_curve
from tang.reporting.style import colors, scale
from tests.reporting.conftest import Make


def test_numbers_stand_in_order_and_names_best_first() -> None:
    assert scale(["10", "1", "3"]).cell_labels == ["1", "3", "10"]
    assert scale(["sgd", "adam"]).cell_labels == ["sgd", "adam"]
    assert scale(["only"]).position == {"only": 0.0}


def test_long_numbers_stand_short() -> None:
    assert scale(["0.30000000000000004", "0.1"]).cell_labels == ["0.1", "0.3"]


def test_many_numbers_are_a_range() -> None:
    wide = scale([str(10 ** (power / 10)) for power in range(21)])
    assert wide.cell_labels == ["1–2.2", "2.2–4.6", "4.6–10", "10–22", "22–46", "46–1e+02"]
    assert wide.position["10.0"] == pytest.approx(0.5)
    assert wide.cell["100.0"] == 5
    even = scale([str(share / 20) for share in range(1, 21)])
    assert even.position["0.5"] == pytest.approx((0.5 - 0.05) / 0.95)


def test_a_few_bad_losses_do_not_wash_out_the_others() -> None:
    norm, is_cut = colors([5.0, 5.1, 5.2, 5.3, 5.4, 90.0, math.inf])
    assert is_cut
    assert norm.vmax == pytest.approx(5.75)
    assert colors([5.0, 5.1, 5.2])[1] is False


def test_labels_have_no_boxes_for_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "characters", lambda: frozenset(map(ord, "[]$abc")))
    assert label("[诗a]") == "[\\u8bd7a]"
    assert label("a$b") == r"a\$b"
    assert label("b" + "a" * 98 + "c") == "b" + "a" * 12 + "…" + "a" * 13 + "c"
    assert label("诗" * 9) == r"\u8bd7\u8bd7…\u8bd7\u8bd7", "no escape is cut"


def test_seeds_are_averaged_as_far_as_all_of_them_went(make: Make) -> None:
    make(["optimizer=adam", "seed=1"], 5.0, [7.0, 5.0, 4.0])
    folder = make(["optimizer=adam", "seed=2"], 6.0, [8.0, 6.0])
    shown = mean_curve(read_sweep(folder.parent).configurations[0])
    assert shown is not None
    steps, mean, deviation = shown
    assert steps.tolist() == [10, 20]
    assert mean.tolist() == [7.5, 5.5]
    assert deviation.tolist() == pytest.approx([math.sqrt(0.5)] * 2)


def test_a_single_validation_is_drawn(make: Make) -> None:
    figure = draw_curves(read_sweep(make(["optimizer=adam"], 5.0, [5.0]).parent))
    assert figure is not None
    assert figure.axes[0].get_ylim()[0] < 5 < figure.axes[0].get_ylim()[1]


def test_each_optimizer_has_one_line_in_the_legend(make: Make) -> None:
    for optimizer in ("adam", "sgd"):
        for rate in ("1", "3"):
            folder = make([f"optimizer={optimizer}", f"optimizer.lr={rate}"], float(rate), [7.0, float(rate)])
    figure = draw_curves(read_sweep(folder.parent))
    assert figure is not None
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["adam, lr=1: 1.0000", "sgd, lr=1: 1.0000"]
    assert len(axes.lines) == 4
    assert axes.get_title() == "thick: the best configuration for each optimizer"


def test_batches_of_other_sizes_share_an_axis(make: Make) -> None:
    make(["data.batch_size=32"], 5.0, [7.0, 6.0, 5.5, 5.0])
    folder = make(["data.batch_size=64"], 6.0, [7.0, 6.0])
    figure = draw_curves(read_sweep(folder.parent))
    assert figure is not None
    assert [line.get_xdata().tolist()[-1] for line in figure.axes[0].lines] == [1.0, 1.0]  # type: ignore[union-attr]


def test_a_run_that_stopped_early_ends_before_the_others(make: Make) -> None:
    make(["data.batch_size=32", "optimizer=adam"], 5.0, [7.0, 6.0, 5.5, 5.0])
    make(["data.batch_size=32", "optimizer=sgd"], 6.0, [7.0, 6.0])
    folder = make(["data.batch_size=64", "optimizer=sgd"], 6.5, [7.0, 6.5])
    sweep = read_sweep(folder.parent)
    assert [sweep.training_steps(configuration) for configuration in sweep.configurations] == [40, 40, 20]
    figure = draw_curves(sweep)
    assert figure is not None
    ends = [line.get_xdata().tolist()[-1] for line in figure.axes[0].lines]  # type: ignore[union-attr]
    assert ends == [1.0, 1.0, 0.5]  # adam, the other of sgd, the best of sgd


def test_a_heat_map_shows_the_best_of_what_it_leaves_out(make: Make) -> None:
    for cell in ("lstm", "gru"):
        for rate in ("1", "3"):
            for dropout in ("0.1", "0.2"):
                loss = 5 + (cell == "gru") + float(rate) + float(dropout) if rate + cell != "3gru" else math.inf
                folder = make([f"model.cell={cell}", f"optimizer.lr={rate}", f"model.dropout={dropout}"], loss)
    sweep = read_sweep(folder.parent)
    assert choose_keys(sweep, None, None) == ("optimizer.lr", "model.cell")
    assert choose_keys(sweep, None, "optimizer.lr") == ("model.cell", "optimizer.lr")
    axes = draw_heat_map(sweep, "optimizer.lr", "model.cell").axes[0]
    assert [text.get_text() for text in axes.texts] == ["6.100", "7.100", "8.100", "diverged"]
    assert axes.get_title() == "val/loss: best over dropout"
    with pytest.raises(
        InputError, match=r"x=optimizer: didn't vary in this sweep; model.cell, optimizer.lr, model.drop"
    ):
        choose_keys(sweep, "optimizer", None)
    with pytest.raises(InputError, match="is x too"):
        choose_keys(sweep, "model.cell", "model.cell")


def test_parallel_coordinates_name_every_axis(make: Make) -> None:
    for number, loss in enumerate([5.0, 6.0, math.inf]):
        folder = make([f"optimizer.lr={number}", f"model.cell={'abc'[number]}"], loss)
    words = {text.get_text() for text in draw_parallel(read_sweep(folder.parent)).axes[0].texts}
    assert {"lr", "cell", "val/loss, nats", "0", "a", "b", "5.000", "6.000", "diverged"} <= words
