import json
import os
import stat
from pathlib import Path

import pytest
import pytorch_lightning as pl
import safetensors
import torch

from tang import checkpoint
from tang.checkpoint.formats import sha256
from tang.data.batches import PoemLoader
from tang.errors import InputError
from tang.evaluation.predict_names import predict
from tang.recurrent.stack import BACKENDS
from tang.tasks.base import Task
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.training.callbacks.random_states import random_states
from tests.data.test_batches import sequences
from tests.hostile.makers import LETTERS, classifier, content_of, language_model


class Run(pl.Callback):
    """Saves the same keys as the callback of a real run."""

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict) -> None:
        run = {
            "best_metrics": {"val/loss": 1.0},
            "metrics": {},
            "should_stop": False,
            "random": [random_states(torch.device("cpu"))],
        }
        checkpoint["run"] = {**run, "means": {"train_loss": [0.0, 0.0, 0]}, "curves": {}}


def trained(folder: Path, optimizer: type[torch.optim.Optimizer] = torch.optim.Adam, **given: object) -> Path:
    """A checkpoint that Lightning wrote after one training step."""
    model = language_model(**given)
    model.optimizer = optimizer
    trainer = pl.Trainer(
        max_steps=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False,
        enable_model_summary=False, callbacks=[Run()],
    )  # fmt: skip
    loader = PoemLoader(sequences([5, 5]), 2)
    trainer.fit(model, loader, loader)
    trainer.save_checkpoint(folder / "epoch=1.ckpt")
    return folder / "epoch=1.ckpt"


def test_a_checkpoint_is_plain_data_and_loads_as_it_was(tmp_path: Path) -> None:
    path = trained(tmp_path)
    content = torch.load(path, weights_only=True)
    model = checkpoint.load(path, LanguageModel)
    assert str(model.form) == "五言绝句"
    assert dict(model.hparams) == content["hyper_parameters"]
    assert len(model.vocabulary) == 25
    assert not model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, content["state_dict"][name])


@pytest.mark.parametrize(
    ("optimizer", "given"),
    [
        (torch.optim.Adam, {"cell": "gru", "num_layers": 2}),
        (torch.optim.SGD, {"embedding_size": 4}),
        (torch.optim.Adagrad, {"tie_weights": False}),
        (torch.optim.RMSprop, {"cell": "rnn"}),
        (torch.optim.Adadelta, {}),
    ],
)
def test_training_can_resume_from_what_it_saved(
    tmp_path: Path, optimizer: type[torch.optim.Optimizer], given: dict[str, object]
) -> None:
    model = language_model(**given)
    model.optimizer = optimizer
    checkpoint.load_for_resume(trained(tmp_path, optimizer, **given), model)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_of_another_precision_are_read_as_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    content = content_of(language_model().to(dtype))
    torch.save(content, tmp_path / "a.ckpt")
    for name, tensor in checkpoint.load(tmp_path / "a.ckpt", LanguageModel).state_dict().items():
        assert torch.equal(tensor, content["state_dict"][name].float())


def test_weights_may_share_one_storage(tmp_path: Path) -> None:
    model = language_model(num_layers=2)
    content = content_of(model)
    memory = torch.cat([tensor.flatten() for tensor in model.state_dict().values()])  # as cuDNN arranges them
    slices = memory.split([tensor.numel() for tensor in model.state_dict().values()])
    views = {name: s.view_as(t) for s, (name, t) in zip(slices, content["state_dict"].items(), strict=True)}
    torch.save({**content, "state_dict": views}, tmp_path / "a.ckpt")
    loaded = checkpoint.load(tmp_path / "a.ckpt", LanguageModel)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


@pytest.mark.parametrize("backend", ["torch", *BACKENDS])
def test_a_model_trained_on_any_backend_is_computed_by_pytorch(tmp_path: Path, backend: str) -> None:
    trained = language_model(num_layers=2, backend=backend).eval()
    torch.save(content_of(trained), tmp_path / "a.ckpt")
    loaded = checkpoint.load(tmp_path / "a.ckpt", LanguageModel)
    assert loaded.network.recurrent.backend == "torch"
    ids = torch.randint(24, (3, 7))
    torch.testing.assert_close(loaded.network(ids), trained.network(ids))


def test_a_checkpoint_of_the_other_task_is_refused(tmp_path: Path) -> None:
    torch.save(content_of(language_model()), tmp_path / "a.ckpt")
    with pytest.raises(
        InputError, match=r"this is a language model, for sample\.py and evaluate\.py; a classifier of names"
    ):
        checkpoint.load(tmp_path / "a.ckpt", Classifier)


@pytest.mark.parametrize("given", [{}, {"tie_weights": False}, {"embedding_size": 4, "cell": "gru", "num_layers": 2}])
def test_an_exported_model_is_the_model(tmp_path: Path, given: dict[str, object]) -> None:
    model = language_model(**given)
    checkpoint.export(model, str(tmp_path / "a.safetensors"))
    loaded = checkpoint.load(tmp_path / "a.safetensors", LanguageModel)
    assert loaded.hparams == model.hparams
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])
    tied = loaded.network.head.weight is loaded.network.embedding.weight
    assert tied == given.get("tie_weights", True)


def test_an_exported_classifier_predicts_as_before(tmp_path: Path) -> None:
    model = classifier().eval()
    checkpoint.export(model, str(tmp_path / "a.safetensors"))
    assert predict(checkpoint.load(tmp_path / "a.safetensors", Classifier), ["Li"], 2) == predict(model, ["Li"], 2)


def test_others_find_vocabulary_and_sizes_in_an_exported_file(tmp_path: Path) -> None:
    model = language_model()
    checkpoint.export(model, str(tmp_path / "a.safetensors"))
    with safetensors.safe_open(tmp_path / "a.safetensors", "np") as file:
        described = json.loads(file.metadata()["hyper_parameters"])
        assert described["vocabulary"] == model.vocabulary.symbols
        assert described["model"]["hidden_size"] == 8
        assert file.get_tensor("network.embedding.weight").shape == (25, 8)


def test_an_exported_files_checksum_covers_task_dtypes_and_shapes(tmp_path: Path) -> None:
    checkpoint.export(language_model(), str(tmp_path / "a.safetensors"))
    whole = (tmp_path / "a.safetensors").read_bytes()
    for old, new in (
        (b'"task":"LanguageModel"', b'"task":"Classifier"   '),
        (b'"F32"', b'"I32"'),
        (b"[32,8]", b"[8,32]"),
    ):
        changed = whole.replace(old, new)
        assert changed != whole
        (tmp_path / "b.safetensors").write_bytes(changed)
        with safetensors.safe_open(tmp_path / "b.safetensors", "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            assert sha256(file.metadata(), weights) != file.metadata()["sha256"]


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        (["A", "B\u200b"], r"languages has 'B\\u200b', .*steer a terminal; its checkpoints couldn't be read"),
        ([f"L{i}" for i in range(1001)], r"languages must be a list of 2 to 1000; its checkpoints"),
    ],
)
def test_a_model_whose_checkpoints_could_not_be_read_is_not_trained(languages: list[str], message: str) -> None:
    checkpoint.check_savable(classifier())
    model = classifier()
    with pytest.raises(InputError, match=message):
        checkpoint.check_savable(Classifier(model.hparams["model"], languages, LETTERS, model.hparams["data"]))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory: you tried to allocate 9 bytes")])
def test_too_little_memory_is_reported(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*args: object) -> None:
        raise error

    torch.save(content_of(language_model()), tmp_path / "a.ckpt")
    monkeypatch.setattr("tang.checkpoint.build", build)
    with pytest.raises(InputError, match="its model takes more memory than there is; give a smaller model"):
        checkpoint.load(tmp_path / "a.ckpt", LanguageModel)


def test_a_failed_export_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.export(language_model(), str(path))
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"to=.*a\.safetensors: No space left on device"):
        checkpoint.export(language_model(hidden_size=9), str(path))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_whose_scores_overflow_predicts_nothing(tmp_path: Path) -> None:
    content = content_of(classifier())
    content["state_dict"] = {name: torch.full_like(tensor, 3e38) for name, tensor in content["state_dict"].items()}
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="scores are not numbers"):
        predict(checkpoint.load(tmp_path / "a.ckpt", Classifier), ["Li"], 2)


def test_latest_is_the_newest_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="train first"):
        checkpoint.find("latest", LanguageModel)
    with pytest.raises(InputError, match="of a language model or a classifier of names below"):
        checkpoint.find("latest", Task)
    runs = ("train/b", "sweeps/x/0_a", "train/a")
    paths = [Path("outputs") / run / "checkpoints" / "best.ckpt" for run in runs]
    for age, (run, path) in enumerate(zip(runs, paths, strict=True)):
        path.parent.mkdir(parents=True)
        torch.save(content_of(classifier() if run == "train/a" else language_model()), path)
        os.utime(path, (1000 - age, 1000 - age))
    os.utime(paths[1], (2000, 2000))
    assert checkpoint.find("latest", LanguageModel) == paths[1]
    os.utime(paths[2], (3000, 3000))
    assert checkpoint.find("latest", LanguageModel) == paths[1], "the newer file is a classifier"
    assert checkpoint.find("latest", Classifier) == checkpoint.find("latest", Task) == paths[2]
    paths[2].write_bytes(b"cut off")
    assert checkpoint.find("latest", Task) == paths[1], "a damaged file is ignored"
    with pytest.raises(InputError, match=r"init_from=nowhere: no such file"):
        checkpoint.find("nowhere", LanguageModel, "init_from")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="everything is readable here")
def test_a_file_without_permission_is_reported(tmp_path: Path) -> None:
    path = trained(tmp_path)
    path.chmod(stat.S_IWUSR)
    with pytest.raises(InputError, match="Permission denied"):
        checkpoint.load(path, LanguageModel)
