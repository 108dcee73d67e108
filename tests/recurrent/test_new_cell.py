"""A cell that PyTorch lacks is one new file: it trains, and writes poems, like the others."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tang import checkpoint, config
from tang.config.studies import GradientSizes
from tang.errors import InputError
from tang.generation.generate import generate
from tang.generation.request import Request
from tang.recurrent import cells
from tang.recurrent.auto import resolve_auto
from tang.recurrent.stack import Recurrent, backends_of
from tang.runs.run import RunFolder
from tang.studies.gradients import by_differences
from tang.tasks.language_model import LanguageModel
from tang.training import run as training
from tests.commands import ROOT, recipe
from tests.every_precision import SMALL
from tests.test_config import composed, settings

MGU = recipe("MGU")
"""The minimal gated unit of CONTRIBUTING.md."""


@pytest.fixture(autouse=True)
def mgu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file ``mgu.py`` in a folder of its own on the package's path."""
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "mgu.py").write_text(MGU, encoding="utf-8")
    monkeypatch.setattr(cells, "__path__", [*cells.__path__, str(tmp_path / "cells")])
    yield
    sys.modules.pop("tang.recurrent.cells.mgu", None)
    cells.load.cache_clear()


def test_its_name_is_known_to_the_config_which_needs_no_torch() -> None:
    assert cells.names() == ["gru", "lstm", "mgu", "rnn"]
    config.check(composed("model.cell=mgu"))
    with pytest.raises(InputError, match=r"^model\.cell=mgru: must be one of gru, lstm, mgu, rnn$"):
        config.check(composed("model.cell=mgru"))
    with pytest.raises(InputError, match=r"^model\.cell=mgru: must be one of gru, lstm, mgu, rnn$"):
        cells.load("mgru")
    code = "import sys, tang.config; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT / "src")


def test_its_layer_is_laid_out_like_pytorchs_and_computed_by_the_equations() -> None:
    torch.manual_seed(0)
    ours, theirs = Recurrent(3, 4, 2, cell="mgu"), nn.GRU(3, 4, 2)
    assert backends_of("mgu") == ["equations"]
    assert ours.backend == resolve_auto("cpu", "auto", None, "mgu").backend == "equations"
    assert list(ours.layers.state_dict()) == list(theirs.state_dict())
    for name, parameter in ours.layers.named_parameters():
        assert (len(parameter), *parameter.shape[1:]) == (8, *theirs.get_parameter(name).shape[1:])
        assert parameter.abs().max() <= 4**-0.5
    with pytest.raises(
        InputError, match=r"^model\.backend=torch: has no model\.cell=mgu; backends that do: equations$"
    ):
        Recurrent(3, 4, cell="mgu", backend="torch")
    errors = by_differences(GradientSizes(2, 3, 2, 3, 2), seed=1)["mgu", "equations"]
    assert max(errors.values()) < 1e-9


def test_it_trains_and_writes_a_poem(poems_txt: Path, tmp_path: Path) -> None:
    options = settings(
        *("data=text", f"data.path='{poems_txt}'", f"data.cache='{tmp_path / 'cache'}'", "data.min_count=1"),
        *("model.cell=mgu", "model.num_layers=2", *SMALL, "trainer.max_steps=10"),
    )
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    training.train(options, folder, is_sweep=True)
    model = checkpoint.load(folder.best, LanguageModel)
    assert model.network.recurrent.cell_name == "mgu"
    (poem,) = generate(model, Request(start=["日"]))
    assert poem.text.startswith("日")

    ids = torch.randint(len(model.vocabulary), (3, 5))
    states, logits = model.network.initial_state(3), Tensor()
    with torch.no_grad():
        for symbols in ids.T:
            logits, states = model.network.step(symbols, states)
        torch.testing.assert_close(logits, model.network.eval()(ids)[0][:, -1])
