import os
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from tang import checkpoint
from tang.data.batches import PoemLoader
from tang.data.vocabulary import SPECIALS
from tang.errors import InputError
from tang.recurrent.stack import BACKENDS
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tests.data.test_batches import sequences


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint of a model trained for a step, as Lightning writes it."""
    symbols = [*SPECIALS, *(chr(0x4E00 + i) for i in range(20))]
    model = LanguageModel({"hidden_size": 8}, symbols, {"source": "tang"}, form="五言绝句", optimizer=torch.optim.Adam)
    trainer = pl.Trainer(
        max_steps=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False,
        enable_model_summary=False,
    )  # fmt: skip
    loader = PoemLoader(sequences([5, 5]), 2)
    trainer.fit(model, loader, loader)
    trainer.save_checkpoint(tmp_path / "epoch=1.ckpt")
    return tmp_path / "epoch=1.ckpt"


def test_a_checkpoint_is_plain_data_and_loads_as_it_was(saved: Path) -> None:
    content = torch.load(saved, weights_only=True)
    assert "_target_" not in str(content["hyper_parameters"])
    model = checkpoint.load(saved, LanguageModel)
    assert str(model.form) == "五言绝句"
    assert model.data == {"source": "tang"}
    assert len(model.vocabulary) == 24
    assert not model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, content["state_dict"][name])


@pytest.mark.parametrize("backend", ["torch", *BACKENDS])
def test_a_model_trained_on_any_backend_is_computed_by_pytorch(tmp_path: Path, backend: str) -> None:
    torch.manual_seed(0)
    symbols = [*SPECIALS, *(chr(0x4E00 + i) for i in range(20))]
    trained = LanguageModel({"hidden_size": 8, "num_layers": 2, "backend": backend}, symbols, {}).eval()
    content = {"task": "LanguageModel", "hyper_parameters": dict(trained.hparams), "state_dict": trained.state_dict()}
    torch.save(content, tmp_path / "a.ckpt")
    loaded = checkpoint.load(tmp_path / "a.ckpt", LanguageModel)
    assert loaded.network.recurrent.backend == "torch"
    ids = torch.randint(24, (3, 7))
    torch.testing.assert_close(loaded.network(ids), trained.network(ids))


def test_a_checkpoint_of_the_other_task_is_told(saved: Path) -> None:
    with pytest.raises(
        InputError, match=r"this is a language model, for sample\.py and evaluate\.py; a classifier of names"
    ):
        checkpoint.load(saved, Classifier)


def test_what_is_no_checkpoint_is_refused(saved: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ckpt"
    other = tmp_path / "other.ckpt"
    pickled = tmp_path / "pickled.ckpt"
    whole = saved.read_bytes()
    torch.save({"state_dict": {}}, other)
    torch.save(nn.Linear(1, 1), pickled)
    for content in (b"", b"text", whole[: len(whole) // 2]):
        broken.write_bytes(content)
        with pytest.raises(InputError, match=r"broken\.ckpt: not a checkpoint of this project") as caught:
            checkpoint.load(broken, LanguageModel)
        assert "\n" not in str(caught.value)
    for path in (other, pickled):
        with pytest.raises(InputError, match="not a checkpoint of this project"):
            checkpoint.load(path, LanguageModel)


def test_latest_is_the_newest_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="train first"):
        checkpoint.find("latest", LanguageModel)
    runs = ("train/b", "sweeps/x/0_a", "train/a")
    paths = [Path("outputs") / run / "checkpoints" / "best.ckpt" for run in runs]
    for age, (run, path) in enumerate(zip(runs, paths, strict=True)):
        path.parent.mkdir(parents=True)
        task = "Classifier" if run == "train/a" else "LanguageModel"
        torch.save({"task": task, "hyper_parameters": {}, "state_dict": {}}, path)
        os.utime(path, (1000 - age, 1000 - age))
    os.utime(paths[1], (2000, 2000))
    assert checkpoint.find("latest", LanguageModel) == paths[1]
    os.utime(paths[2], (3000, 3000))
    assert checkpoint.find("latest", LanguageModel) == paths[1], "a newer classifier is none"
    assert checkpoint.find("latest", Classifier) == paths[2]
    paths[2].write_bytes(b"cut off")
    assert checkpoint.find("latest", LanguageModel) == paths[1], "what can't be read is passed over"
    with pytest.raises(InputError, match=r"init_from=nowhere: no such file"):
        checkpoint.find("nowhere", LanguageModel, "init_from")
