from pathlib import Path

import pytest
import torch

from tang import fonts
from tang.fonts import label, with_chinese
from tang.training.callbacks.confusion import draw


def test_rows_are_the_languages_and_sum_to_a_hundred() -> None:
    figure = draw(torch.tensor([[6, 2, 0], [0, 4, 0], [0, 0, 0]]), ["Czech", "Dutch", "Irish"], "test")
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[75, 25, 0], [0, 100, 0], [0, 0, 0]]  # type: ignore[union-attr]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Czech (8)", "Dutch (4)", "Irish (0)"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Czech", "Dutch", "Irish"]
    texts = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}  # column, row
    assert texts == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}


@pytest.mark.parametrize("known", [None, frozenset(map(ord, "Русский"))])
def test_labels_in_any_script_are_drawn_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: frozenset[int] | None
) -> None:
    if known is not None:
        monkeypatch.setattr(fonts, "characters", lambda: known)
    languages = ["汉语", "Русский", "한국어"]
    with with_chinese():
        figure = draw(torch.tensor([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), languages, "test")
        figure.savefig(tmp_path / "confusion.png")  # a warning would be an error here
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(map(label, languages))
    assert axes.get_yticklabels()[0].get_text() == f"{label('汉语')} (4)"
    assert known is None or label("汉语") == "\\u6c49\\u8bed"
