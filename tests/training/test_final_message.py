"""What a finished run says in the end."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.commands import Script
from tests.conftest import verses


@pytest.mark.slow
def test_of_too_few_poems_no_figure_is_given(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    few = tmp_path / "few.txt"
    few.write_text("\n".join(verses(80)), encoding="utf-8")
    done = script("train", *small, f"data.path={few}", "trainer.max_epochs=1")
    assert done.returncode == 0, done.stderr
    assert "too few poems are held out to say how good the model is: " in done.stdout
    assert "perplexity" not in done.stdout
