"""Checkpoints with wrong sizes, vocabulary or weights, and files of other projects."""

import os
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import nn

from tang.data.vocabulary import SPECIALS
from tests.hostile.makers import (
    SYMBOLS,
    Cases,
    changed,
    content_of,
    hyper,
    language_model,
    of_classifier,
    saved,
    weights,
    without,
    written,
)


def link_loop(path: Path, marker: Path) -> None:
    path.symlink_to(path.name)


def lightning(path: Path, marker: Path) -> None:
    """Another project's checkpoint."""
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_model_summary=False)
    trainer.strategy.connect(pl.LightningModule())
    trainer.save_checkpoint(path, weights_only=True)


FIELDS: Cases = {
    "hidden_size 10⁹": (hyper("model", "hidden_size", to=10**9), "model.hidden_size is 1000000000, which must be"),
    "hidden_size 65,536": (
        hyper("model", "hidden_size", to=2**16), r"has the shape \(25, 8\), its sizes imply \(25, 65536\)"),
    "hidden_size −1": (hyper("model", "hidden_size", to=-1), "model.hidden_size is -1"),
    "hidden_size true": (hyper("model", "hidden_size", to=True), "model.hidden_size is True"),
    "hidden_size '8'": (hyper("model", "hidden_size", to="8"), "model.hidden_size is '8'"),
    "hidden_size 8.0": (hyper("model", "hidden_size", to=8.0), "model.hidden_size is 8.0"),
    "hidden_size NaN": (hyper("model", "hidden_size", to=float("nan")), "model.hidden_size is nan"),
    "hidden_size null": (hyper("model", "hidden_size", to=None), "model.hidden_size is None"),
    "hidden_size a tensor": (hyper("model", "hidden_size", to=torch.tensor(8)), "model.hidden_size is a tensor"),
    "a million layers": (hyper("model", "num_layers", to=10**6), "model.num_layers is 1000000"),
    "embedding_size 0": (hyper("model", "embedding_size", to=0), "model.embedding_size is 0"),
    "dropout NaN": (hyper("model", "dropout", to=float("nan")), "model.dropout is nan"),
    "forget_bias infinite": (hyper("model", "forget_bias", to=float("inf")), "model.forget_bias is inf"),
    "an unknown cell": (hyper("model", "cell", to="os.system"), "model.cell is 'os.system'"),
    "a cell from a list": (hyper("model", "cell", to=["lstm"]), "model.cell is a list"),
    "another cell": (hyper("model", "cell", to="gru"), r"shape \(32, 8\), its sizes imply \(24, 8\)"),
    "a setting too many": (hyper("model", "depth", to=1), "an unknown 'depth'; it is from a newer version"),
    "a model that is a list": (hyper("model", to=[1]), "model is a list"),
    "a field too many": (hyper("optimizer", to={}), "an unknown 'optimizer'"),
    "vocabulary: a symbol twice": (hyper("vocabulary", to=[*SYMBOLS[:-1], SYMBOLS[-2]]), "a symbol twice"),
    "vocabulary: numbers": (hyper("vocabulary", to=[*SYMBOLS[:-1], 7]), "vocabulary has 7"),
    "vocabulary: a long text": (hyper("vocabulary", to=[*SYMBOLS[:-1], "日" * 10**6]), "vocabulary has '日日"),
    "vocabulary: half a character": (hyper("vocabulary", to=[*SYMBOLS[:-1], "\ud840"]), r"vocabulary has '\\ud840'"),
    "vocabulary: a turn of direction": (hyper("vocabulary", to=[*SYMBOLS[:-1], "\u202e"]), r"has '\\u202e'"),
    "vocabulary: without specials": (hyper("vocabulary", to=SYMBOLS[4:]), "doesn't begin with <pad>"),
    "vocabulary: too long": (hyper("vocabulary", to=[*SPECIALS, *("日" * 70_000)]), "vocabulary is a .* too long"),
    "vocabulary: a text": (hyper("vocabulary", to="日月"), "vocabulary is '日月', which is of the wrong type"),
    "vocabulary: marks alone": (hyper("vocabulary", to=[*SPECIALS, "，"]), "no Chinese character"),
    "an unknown form": (hyper("form", to="六言"), "form '六言' is not known; the forms are"),
    "a form that is a list": (hyper("form", to=["五言绝句"]), "form is a list"),
    "a corpus with line ends": (hyper("corpus", to="a\nb\x1b[2J"), r"corpus is 'a\\nb"),
    "a path with a zero byte": (hyper("data", "path", to="a\0b"), r"data.path is 'a\\x00b'"),
    "a path of a megabyte": (hyper("data", "dir", to="a" * 10**6), "data.dir is 'aaa"),
    "a batch of 10³⁰ poems": (hyper("data", "batch_size", to=10**15), "data.batch_size is 1000000000000000"),
    "unknown forms": (hyper("data", "forms", to=["四言"]), "data.forms is a list"),
    "an unknown source": (hyper("data", "source", to="http://x"), "data.source is 'http://x'"),
    "other letters": (of_classifier("hyper_parameters", "letters", to="abca"), "letters is 'abca'"),
    "a language twice": (of_classifier("hyper_parameters", "languages", to=["A", "A"]), "each once"),
    "one language": (of_classifier("hyper_parameters", "languages", to=["A"]), "a list of 2 to 1000"),
    "a million languages": (of_classifier("hyper_parameters", "languages", to=["A"] * 10**5), "is a list, .*too long"),
    "three languages for two": (
        of_classifier("hyper_parameters", "languages", to=["A", "B", "C"]), r"\(2, 8\), its sizes imply \(3, 8\)"),
    "a report's cell with layers": (
        of_classifier("hyper_parameters", "model", to=lambda old: {**old, "cell": "rnn_report", "num_layers": 2}),
        "cell=rnn_report: is fixed"),
}  # fmt: skip


WEIGHTS: Cases = {
    "weights that are NaN": (weights(lambda old: old * float("nan")), "head.bias is not finite"),
    "one infinite weight": (weights(lambda old: torch.cat([old[:-1], torch.tensor([float("inf")])])), "is not finite"),
    "weights in whole numbers": (weights(lambda old: old.long()), "isn't a tensor of floating-point numbers"),
    "weights of another shape": (weights(lambda old: old[:-1].clone()), r"shape \(24,\), its sizes imply \(25,\)"),
    "weights transposed": (weights(lambda old: old.T, "network.recurrent.layers.weight_hh_l0"), r"shape \(8, 32\)"),
    "weights stretched by stride 0": (weights(lambda old: torch.zeros(1).expand(25)), "isn't dense"),
    "a number for weights": (weights(1.0), "isn't a tensor"),
    "complex weights": (weights(lambda old: old + 1j), "isn't a tensor of floating-point numbers"),
    "a parameter for weights": (weights(nn.Parameter), "isn't a tensor of floating-point numbers"),
    "weights missing": (without("state_dict", "network.head.bias"), "has no weights network.head.bias"),
    "weights too many": (weights(torch.ones(1), "network.extra"), "'network.extra' that its model lacks"),
    "weights under a number": (weights(torch.ones(1), 7), "has weights 7"),  # type: ignore[arg-type]
    "no weights": (changed("state_dict", to={}), "has no weights network.embedding.weight"),
}  # fmt: skip


FOREIGN: Cases = {
    "an empty file": (written(b""), "is empty"),
    "a text": (written("床前明月光".encode()), "neither a PyTorch checkpoint"),
    "nine bytes of {": (written(b"{{{{{{{{{"), "neither a PyTorch checkpoint"),
    "a plain state dict": (saved(lambda: language_model().state_dict()), "weights alone"),
    "a tensor": (saved(torch.ones(3)), "holds a tensor"),
    "an empty dict": (saved({}), "has no task, hyper_parameters and state_dict"),
    "another Lightning module's": (lightning, "a Lightning checkpoint of another project's module"),
    "another task's": (changed("task", to="ImageModel"), "of an unknown task 'ImageModel'; it is from a newer version"),
    "a task that is a list": (changed("task", to=["LanguageModel"]), "of an unknown task a list"),
    "the first version's": (without("task"), "older version of this project; train again"),
    "a version without corpus": (without("hyper_parameters", "corpus"), "has no corpus; it is from an older version"),
    "a version without form": (without("hyper_parameters", "form"), "has no form; it is from an older version"),
    "a version without hidden_size": (without("hyper_parameters", "model", "hidden_size"), "model has no hidden_size"),
    "a version without min_count": (without("hyper_parameters", "data", "min_count"), "data has no min_count; .*older"),
    "PyTorch's format before 1.6": (
        saved(lambda: content_of(language_model()), _use_new_zipfile_serialization=False), "neither a PyTorch"),
    "a folder": (lambda path, _: path.mkdir(), "is a folder"),
    "a pipe": (lambda path, _: os.mkfifo(path), "a pipe or a device"),
    "/dev/zero": (lambda path, _: path.symlink_to("/dev/zero"), "a pipe or a device"),
    "a link to itself": (link_loop, "no such file|symbolic links"),
    "nothing": (lambda path, _: None, "no such file"),
}  # fmt: skip
