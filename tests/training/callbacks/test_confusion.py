import torch

from tang.training.callbacks.confusion import draw


def test_rows_are_the_languages_and_sum_to_a_hundred() -> None:
    figure = draw(torch.tensor([[6, 2, 0], [0, 4, 0], [0, 0, 0]]), ["Czech", "Dutch", "Irish"], "test")
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[75, 25, 0], [0, 100, 0], [0, 0, 0]]  # type: ignore[union-attr]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Czech (8)", "Dutch (4)", "Irish (0)"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Czech", "Dutch", "Irish"]
    texts = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}  # column, row
    assert texts == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}
