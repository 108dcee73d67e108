"""What a finished run says in the end."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tang.data.vocabulary import SPECIALS
from tang.generation.request import Request
from tang.prosody.critique import critique
from tang.tasks.language_model import LanguageModel
from tang.training.final_message import closing_poems
from tests.commands import Script
from tests.conftest import verses


def test_the_last_poems_rhyme_where_they_can() -> None:
    torch.manual_seed(0)
    rhyming = LanguageModel({"hidden_size": 8}, [*SPECIALS, *"，。春人新身尘真月水夜白日里不"], {})
    for poem in closing_poems(rhyming, Request(start=["春", "月"], form="五言绝句", seed=1)):
        assert not critique(poem.text).off_rhyme
        assert poem.rhyme == "上平十一真"
    for form, symbols in (("3-5-7", "春人新身尘真月水夜白日里不"), ("五言绝句", "月水")):
        model = LanguageModel({"hidden_size": 8}, [*SPECIALS, *"，。", *symbols], {})
        assert [poem.form for poem in closing_poems(model, Request(start=["月"], form=form, seed=1))] == [form]


@pytest.mark.slow
def test_of_too_few_poems_no_figure_is_given(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    few = tmp_path / "few.txt"
    few.write_text("\n".join(verses(80)), encoding="utf-8")
    done = script("train", *small, f"data.path={few}", "trainer.max_epochs=1")
    assert done.returncode == 0, done.stderr
    assert "too few poems are held out to say how good the model is: " in done.stdout
    assert "perplexity" not in done.stdout
