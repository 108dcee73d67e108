"""Files that mean harm, or are broken: each is made here, under its name, with the words that refuse it."""

import dataclasses
import io
import json
import os
import pickle
import struct
import tarfile
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import safetensors.torch
import torch
from torch import nn

from tang.callbacks.random_states import random_states
from tang.config import training
from tang.data.vocabulary import SPECIALS
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.tasks.task import Task

Make = Callable[[Path, Path], object]
"""Writes the file; its code, if it ran, would make the second one."""

SYMBOLS = [*SPECIALS, "，", *(chr(0x4E00 + i) for i in range(20))]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;'"


def settings(schema: type, **given: Any) -> dict[str, Any]:
    """A group of the config as a checkpoint has it."""
    return {name: value for name, value in dataclasses.asdict(schema(**given)).items() if not name.startswith("_")}


def language_model(**given: Any) -> LanguageModel:
    """A small one, untrained."""
    torch.manual_seed(0)
    model = settings(training.LanguageModel, **{"hidden_size": 8, "backend": "torch", **given})
    return LanguageModel(model, SYMBOLS, settings(training.Poems), form="五言绝句")


def classifier() -> Classifier:
    """A small one, untrained."""
    model = settings(training.Classifier, hidden_size=8, backend="torch")
    return Classifier(model, ["English", "Italian"], LETTERS, settings(training.Names))


def content_of(model: Task) -> dict[str, Any]:
    """What a checkpoint has of a model alone."""
    content = {"hyper_parameters": dict(model.hparams), "state_dict": model.state_dict()}
    return {"task": type(model).__name__, "pytorch-lightning_version": "2.6.6", **content}


def resumable() -> dict[str, Any]:
    """What a checkpoint has that training can go on from."""
    model = language_model()
    optimizer = torch.optim.Adam(model.parameters())
    model.network(torch.tensor([[2, 5]]))[0].sum().backward()
    optimizer.step()
    run = {"best_metrics": {}, "metrics": {"val/loss": 1.0}, "should_stop": False, "random": [random_states()]}
    return {
        **content_of(model),
        "epoch": 0,
        "global_step": 1,
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
        "loops": {"fit_loop": {"epoch_progress": {"current": {"ready": 1}}}},
        "callbacks": {"EarlyStopping": {"wait_count": 0, "best_score": torch.tensor(1.0)}},
        "run": {**run, "means": {"train_loss": [1.0, 2.0, 3]}, "curves": {"events.out.tfevents.1": 88}},
    }


def changed(*keys: Any, to: Any, of: Callable[[], dict[str, Any]] = lambda: content_of(language_model())) -> Make:
    """A checkpoint with one value changed, the one that ``keys`` lead to; it may be made from what was there."""

    def make(path: Path, marker: Path) -> None:
        content = of()
        inner: Any = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to(inner.get(keys[-1])) if callable(to) else to
        torch.save(content, path)

    return make


def of_classifier(*keys: Any, to: Any) -> Make:
    return changed(*keys, to=to, of=lambda: content_of(classifier()))


def without(*keys: str) -> Make:
    """A checkpoint that lacks what ``keys`` lead to."""

    def make(path: Path, marker: Path) -> None:
        content = content_of(language_model())
        inner: Any = content
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]
        torch.save(content, path)

    return make


def hyper(*keys: str, to: Any) -> Make:
    return changed("hyper_parameters", *keys, to=to)


def weights(to: Any, name: str = "network.head.bias") -> Make:
    return changed("state_dict", name, to=to)


def saved(content: Any, **arguments: Any) -> Make:
    return lambda path, marker: torch.save(content() if callable(content) else content, path, **arguments)


def written(content: bytes) -> Make:
    return lambda path, marker: path.write_bytes(content)


class Bomb:
    """Unpickled by the pickle module, it runs a command."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def bombs(path: Path, marker: Path) -> dict[str, Any]:
    """A checkpoint's content with code in it."""
    content: dict[str, Any] = content_of(language_model())
    content["hyper_parameters"]["corpus"] = Bomb(exec, f"import os; os.mkdir({str(marker)!r})")
    return content


def archive(path: Path, records: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    """A zip archive with these files."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", compression) as file:
        warnings.simplefilter("ignore")  # a name that stands twice
        for name, content in records.items():
            file.writestr(name.replace("#", ""), content)


def program(*operations: bytes) -> Make:
    """A checkpoint whose ``data.pkl`` is this program."""
    code = b"\x80\x02" + b"".join(operations) + b"."
    return lambda path, marker: archive(path, {"a/data.pkl": code, "a/data/0": bytes(64), "a/version": b"3\n"})


def records(change: Callable[[dict[str, bytes]], dict[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Make:
    """A checkpoint packed anew."""

    def make(path: Path, marker: Path) -> None:
        torch.save(content_of(language_model()), path)
        with zipfile.ZipFile(path) as file:
            found = {name: file.read(name) for name in file.namelist()}
        archive(path, change(found), compression)

    return make


def patched(old: bytes, new: bytes, count: int = 1) -> Make:
    """A checkpoint with bytes of it replaced, from the end."""

    def make(path: Path, marker: Path) -> None:
        torch.save(content_of(language_model()), path)
        parts = path.read_bytes().rsplit(old, count)
        assert len(parts) == count + 1
        path.write_bytes(new.join(parts))

    return make


def name(module: bytes, function: bytes) -> bytes:
    return b"c" + module + b"\n" + function + b"\n"


def text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def number(value: int) -> bytes:
    encoded = pickle.encode_long(value)
    return b"\x8a" + bytes([len(encoded)]) + encoded


def storage(numel: int, kind: bytes = b"FloatStorage") -> bytes:
    return b"(" + text("storage") + name(b"torch", kind) + text("0") + text("cpu") + number(numel) + b"tQ"


def tensor(shape: bytes, stride: bytes, numel: int = 16, offset: int = 0) -> bytes:
    """A tensor over the 64 bytes that ``data/0`` has."""
    hooks = name(b"collections", b"OrderedDict") + b")R"
    rebuild = name(b"torch._utils", b"_rebuild_tensor_v2")
    return rebuild + b"(" + storage(numel) + number(offset) + shape + stride + b"\x89" + hooks + b"tR"


def tuple_of(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def plain(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(bombs(path, marker)))


def legacy_tar(path: Path, marker: Path) -> None:
    """PyTorch's first format: a tar with pickles."""
    with tarfile.open(path, "w") as file:
        for entry in ("storages", "tensors", "pickle"):
            code = pickle.dumps(Bomb(exec, f"import os; os.mkdir({str(marker)!r})"), protocol=2)
            information = tarfile.TarInfo(entry)
            information.size = len(code)
            file.addfile(information, io.BytesIO(code))


def exported(
    change: Callable[[dict[str, Any]], object] | None = None, encode: Callable[[str], str] = str, cut: int = 0
) -> Make:
    """A file of safetensors whose header is changed, as an object or as text."""

    def make(path: Path, marker: Path) -> None:
        model = language_model()
        state = {key: value for key, value in model.state_dict().items() if key != "network.head.weight"}
        described = {key: model.hparams[key] for key in model.saved}
        metadata = {"task": "LanguageModel", "hyper_parameters": json.dumps(described), "sha256": ""}
        whole = safetensors.torch.save(state, metadata)
        length = struct.unpack("<Q", whole[:8])[0]
        header = json.loads(whole[8 : 8 + length])
        if change:
            change(header)
        code = encode(json.dumps(header)).encode("utf-8")
        path.write_bytes(struct.pack("<Q", len(code)) + code + whole[8 + length : len(whole) - cut])

    return make


def described(*keys: str, to: Any) -> Make:
    """A file of safetensors with one of its model's fields changed."""

    def change(header: dict[str, Any]) -> None:
        fields = json.loads(header["__metadata__"]["hyper_parameters"])
        inner = fields
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        header["__metadata__"]["hyper_parameters"] = json.dumps(fields)

    return exported(change)


def entry(key: str, value: Any) -> Make:
    return exported(lambda header: header["network.head.bias"].update({key: value}))


def hole(path: Path, marker: Path) -> None:
    """A file that takes nothing on disk."""
    path.touch()
    os.truncate(path, 2**40)


def link_loop(path: Path, marker: Path) -> None:
    path.symlink_to(path.name)


def lightning(path: Path, marker: Path) -> None:
    """Another project's checkpoint."""
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_model_summary=False)
    trainer.strategy.connect(pl.LightningModule())
    trainer.save_checkpoint(path, weights_only=True)


DOUBLING = (
    b"()q\0" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(60)) + b"t"
)
"""(t, t) of (t, t) … sixty times: 2⁶⁰ tuples to walk through or to hash; the last has the number 60."""

CODE: dict[str, tuple[Make, str]] = {
    "os.system": (lambda path, marker: torch.save(Bomb(os.system, f"touch {marker}"), path), "names '.*system'"),
    "exec among the sizes": (lambda path, marker: torch.save(bombs(path, marker), path), "names '.*exec'"),
    "exec, PyTorch's format before 1.6": (
        lambda path, marker: torch.save(bombs(path, marker), path, _use_new_zipfile_serialization=False), "neither"),
    "exec in a pickle": (plain, "neither a PyTorch checkpoint"),
    "exec in PyTorch's first format": (legacy_tar, "neither a PyTorch checkpoint"),
    "exec, protocol 4": (
        lambda path, marker: archive(path, {"a/data.pkl": pickle.dumps(bombs(path, marker), 4)}), "operation FRAME"),
    "a class that PyTorch allows": (program(name(b"torch", b"FloatTensor"), number(2**40), b"\x85R"), "FloatTensor"),
    "a terabyte of bytearray": (program(name(b"builtins", b"bytearray"), number(2**40), b"\x85R"), "names .*bytearray"),
    "a codec": (program(name(b"_codecs", b"encode"), text("a"), text("hex"), b"\x86R"), "names '_codecs.encode'"),
    "a tensor subclass": (program(name(b"torch._tensor", b"_rebuild_from_type_v2"), b")R"), "_rebuild_from_type_v2"),
    "a device": (program(name(b"torch", b"device"), text("cuda"), b"\x85R"), "names 'torch.device'"),
    "a name with control characters": (program(name(b"o\x1b[2J", b"x")), "names"),
    "a call of a storage": (program(name(b"torch", b"FloatStorage"), number(9), b"\x85R"), "calls torch.FloatStorage"),
    "attributes of a dict": (
        program(name(b"collections", b"OrderedDict"), b")R", b"}", text("items"), b"K\x01sb"), "sets attributes"),
    "NEWOBJ": (program(name(b"collections", b"OrderedDict"), b")\x81"), "operation NEWOBJ"),
    "EXT": (program(b"\x82\x01"), "operation EXT1"),
    "a pickled module": (saved(lambda: nn.Linear(1, 1)), "names 'torch.nn.modules.linear.Linear'"),
    "_target_": (hyper("model", "_target_", to="os.system"), "key _target_"),
    "_instantiator": (hyper("_instantiator", to="pytorch_lightning.cli.instantiate_module"), "key _instantiator"),
    "_class_path": (changed("_class_path", to="os.system"), "key _class_path"),
    "class_path deep inside": (changed("callbacks", to={"a": [{"class_path": "os.system"}]}), "key class_path"),
}  # fmt: skip

MEMORY: dict[str, tuple[Make, str]] = {
    "a key that hashes for ever": (program(DOUBLING, b"}h\x3cK\x01s"), "keys other than"),
    "numbers with one hash": (
        program(b"}(", *(number(i * (2**61 - 1)) + b"N" for i in range(1, 9)), b"u"), "keys other than"),
    "2⁶⁰ tuples in a dict": (
        program(DOUBLING, b"}", text("task"), b"h\x3cs\x86"), "more than 1,000,000 values|nested"),
    "a list of itself": (program(b"]q\0h\0a"), "nested more than 20 deep"),
    "nested 100,000 deep": (program(b"]" * 100_000 + b"a" * 99_999), "nested more than 20 deep"),
    "two million dicts": (program(b"(" + b"}" * 2_000_000 + b"t"), "400,000 steps"),
    "a pickle of 8 MB": (program(text("a" * 2**23)), "more than any checkpoint's"),
    "a text that claims 4 GB": (program(b"X\xff\xff\xff\xffab"), "data.pkl can't be read"),
    "a memo of 2³² places": (program(b"Nr\xff\xff\xff\xff"), "holds None"),
    "a number of 255 bytes": (program(b"}", text("epoch"), b"\x8a\xff" + b"\x7f" * 255 + b"s"), "64 bits"),
    "a tensor of stride 0": (program(tensor(tuple_of(2**20, 2**20), tuple_of(0, 0))), "isn't dense"),
    "a tensor larger than its memory": (program(tensor(tuple_of(2**20, 4), tuple_of(4, 1))), "beyond its memory"),
    "a tensor of 2⁶² numbers": (program(tensor(tuple_of(2**31, 2**31), tuple_of(2**31, 1))), "beyond its memory"),
    "a negative size": (program(tensor(tuple_of(-4, 4), tuple_of(4, 1))), "a size that no tensor has"),
    "an offset before the memory": (program(tensor(tuple_of(4), tuple_of(1), offset=-8)), "beyond its memory"),
    "a tensor of 1,000 dimensions": (program(tensor(tuple_of(*[1] * 1000), tuple_of(*[1] * 1000))), "shape is wrong"),
    "memory that isn't there": (program(storage(2**40)), "isn't what the file holds"),
    "one memory for two formats": (program(storage(16) + storage(8, b"DoubleStorage")), "for different numbers"),
    "100,000 views of one memory": (
        program(b"](", tensor(tuple_of(16), tuple_of(1)), b"q\1", b"h\1" * 100_000, b"e"), "larger than the file"),
    "a sparse tensor": (weights(lambda _: torch.eye(3).to_sparse()), "_rebuild_sparse_tensor"),
    "a sparse tensor out of bounds": (
        program(name(b"torch._utils", b"_rebuild_sparse_tensor"), tuple_of(2**40), b"\x85R"), "_rebuild_sparse_tensor"),
    "a quantized tensor": (program(name(b"torch._utils", b"_rebuild_qtensor"), b")R"), "_rebuild_qtensor"),
    "a hole of a terabyte": (hole, "more than any checkpoint"),
    "a deflated pickle of 256 MB": (
        lambda path, _: archive(path, {"a/data.pkl": bytes(2**28)}, zipfile.ZIP_DEFLATED), "is compressed"),
    "deflated weights": (
        records(lambda found: {**found, "x/data/0": bytes(2**26)}, zipfile.ZIP_DEFLATED), "is compressed"),
    "weights larger than the file": (
        patched(struct.pack("<LL", 800, 800), struct.pack("<LL", 2**31, 2**31)), "claims to hold more than"),
    "a directory of 4 GB": (
        patched(b"PK\6\6" + struct.pack("<Q", 44), b"PK\6\7" + struct.pack("<Q", 44)), "can't be read|larger than"),
}  # fmt: skip

ARCHIVES: dict[str, tuple[Make, str]] = {
    "a path that leads out": (records(lambda found: {**found, "../../../x": b"1"}), "has a file '../../../x' in it"),
    "an absolute path": (records(lambda found: {**found, "/etc/passwd": b"1"}), "has a file '/etc/passwd' in it"),
    "a path up inside": (records(lambda found: {**found, "a/..": b"1"}), "has a file 'a/..' in it"),
    "a file twice": (records(lambda found: {**found, "x#.ckpt/version": b"1", "x.ckpt/version": b""}), "twice"),
    "several folders": (records(lambda found: {**found, "b/version": b"1"}), "several folders"),
    "a TorchScript archive": (records(lambda found: {**found, "x/code/__torch__.py": b""}), "another kind of zip"),
    "another zip archive": (lambda path, _: archive(path, {"word/document.xml": b""}), "no data.pkl|another kind"),
    "a comment at the end": (patched(b"PK\5\6", b"PK\5\6" + bytes(9)), "no directory at its end"),
    "an empty archive": (lambda path, _: archive(path, {}), "neither a PyTorch"),
    "swapped weights": (
        records(lambda found: {key: value[: -("/data/" in key) or None] for key, value in found.items()}),
        "isn't what the file holds"),
    "a wrong checksum": (patched(b"byteorder", b"byteordes"), "can't be read|isn't what"),
}  # fmt: skip

FIELDS: dict[str, tuple[Make, str]] = {
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
    "vocabulary: too long": (hyper("vocabulary", to=[*SPECIALS, *("日" * 70_000)]), "a list of 5 to 65,536"),
    "vocabulary: a text": (hyper("vocabulary", to="日月"), "vocabulary must be a list"),
    "vocabulary: marks alone": (hyper("vocabulary", to=[*SPECIALS, "，"]), "no Chinese character"),
    "an unknown form": (hyper("form", to="六言"), "form is '六言', which must be one of"),
    "a form that is a list": (hyper("form", to=["五言绝句"]), "form is a list"),
    "a corpus with line ends": (hyper("corpus", to="a\nb\x1b[2J"), r"corpus is 'a\\nb"),
    "a path with a zero byte": (hyper("data", "path", to="a\0b"), r"data.path is 'a\\x00b'"),
    "a path of a megabyte": (hyper("data", "dir", to="a" * 10**6), "data.dir is 'aaa"),
    "a batch of 10³⁰ poems": (hyper("data", "batch_size", to=10**15), "data.batch_size is 1000000000000000"),
    "unknown forms": (hyper("data", "forms", to=["四言"]), "data.forms is a list"),
    "an unknown source": (hyper("data", "source", to="http://x"), "data.source is 'http://x'"),
    "other letters": (of_classifier("hyper_parameters", "letters", to="abc"), "letters is 'abc'"),
    "a language twice": (of_classifier("hyper_parameters", "languages", to=["A", "A"]), "each once"),
    "one language": (of_classifier("hyper_parameters", "languages", to=["A"]), "a list of 2 to 1000"),
    "a million languages": (of_classifier("hyper_parameters", "languages", to=["A"] * 10**5), "a list of 2 to 1000"),
    "three languages for two": (
        of_classifier("hyper_parameters", "languages", to=["A", "B", "C"]), r"\(2, 8\), its sizes imply \(3, 8\)"),
    "a report's cell with layers": (
        of_classifier("hyper_parameters", "model", to=lambda old: {**old, "cell": "rnn_report", "num_layers": 2}),
        "cell=rnn_report: is as it is"),
}  # fmt: skip

WEIGHTS: dict[str, tuple[Make, str]] = {
    "weights that are NaN": (weights(lambda old: old * float("nan")), "head.bias is not finite"),
    "one infinite weight": (weights(lambda old: torch.cat([old[:-1], torch.tensor([float("inf")])])), "is not finite"),
    "weights in whole numbers": (weights(lambda old: old.long()), "isn't a tensor of floating-point numbers"),
    "weights of another shape": (weights(lambda old: old[:-1].clone()), r"shape \(24,\), its sizes imply \(25,\)"),
    "weights transposed": (weights(lambda old: old.T, "network.recurrent.layers.weight_hh_l0"), "isn't dense"),
    "weights stretched by stride 0": (weights(lambda old: torch.zeros(1).expand(25)), "isn't dense"),
    "a number for weights": (weights(1.0), "isn't a tensor"),
    "complex weights": (weights(lambda old: old + 1j), "names 'torch.ComplexFloatStorage'"),
    "a parameter for weights": (weights(nn.Parameter), "_rebuild_parameter"),
    "weights missing": (without("state_dict", "network.head.bias"), "has no weights network.head.bias"),
    "weights too many": (weights(torch.ones(1), "network.extra"), "'network.extra' that its model hasn't"),
    "weights under a number": (weights(torch.ones(1), 7), "has weights 7"),  # type: ignore[arg-type]
    "no weights": (changed("state_dict", to={}), "has no weights network.embedding.weight"),
}  # fmt: skip

FOREIGN: dict[str, tuple[Make, str]] = {
    "an empty file": (written(b""), "is empty"),
    "a text": (written("床前明月光".encode()), "neither a PyTorch checkpoint"),
    "nine bytes of {": (written(b"{{{{{{{{{"), "neither a PyTorch checkpoint"),
    "a plain state dict": (saved(lambda: language_model().state_dict()), "weights alone"),
    "a tensor": (saved(torch.ones(3)), "holds a tensor"),
    "an empty dict": (saved({}), "has no task, hyper_parameters and state_dict"),
    "another Lightning module's": (lightning, "a Lightning checkpoint of another project's module"),
    "another task's": (changed("task", to="ImageModel"), "is of a task 'ImageModel', which is not known here"),
    "a task that is a list": (changed("task", to=["LanguageModel"]), "is of a task a list"),
    "the first version's": (without("task"), "older version of this project; train again"),
    "a version without corpus": (without("hyper_parameters", "corpus"), "has no corpus; it is from an older version"),
    "a version without form": (without("hyper_parameters", "form"), "has no form; it is from an older version"),
    "a version without min_count": (without("hyper_parameters", "data", "min_count"), "data has no min_count; .*older"),
    "PyTorch's format before 1.6": (
        saved(lambda: content_of(language_model()), _use_new_zipfile_serialization=False), "neither a PyTorch"),
    "a folder": (lambda path, _: path.mkdir(), "is a folder"),
    "a pipe": (lambda path, _: os.mkfifo(path), "a pipe or a device"),
    "/dev/zero": (lambda path, _: path.symlink_to("/dev/zero"), "a pipe or a device"),
    "a link to itself": (link_loop, "no such file|symbolic links"),
    "nothing": (lambda path, _: None, "no such file"),
}  # fmt: skip

SAFETENSORS: dict[str, tuple[Make, str]] = {
    "another model's": (
        lambda path, _: safetensors.torch.save_file({"wte.weight": torch.ones(2, 2)}, path, {"format": "pt"}),
        "weights without a model of this project"),
    "a header of 4 GB": (written(struct.pack("<Q", 2**32 - 1) + b"{" + bytes(99)), "header is longer"),
    "a header longer than the file": (written(struct.pack("<Q", 500) + b'{"a":1}'), "header is longer"),
    "a header that isn't JSON": (written(struct.pack("<Q", 9) + b"{nonsense"), "header can't be read"),
    "a header nested for ever": (exported(encode=lambda text: '{"a":' * 10**5), "header can't be read"),
    "a header with a key twice": (exported(encode=lambda text: '{"__metadata__":{},' + text[1:]), "a key twice"),
    "an empty header": (written(struct.pack("<Q", 2) + b"{}"), "weights without a model"),
    "sizes that aren't JSON": (
        exported(lambda header: header["__metadata__"].update(hyper_parameters="{")), "header can't be read"),
    "sizes that are a list": (
        exported(lambda header: header["__metadata__"].update(hyper_parameters="[]")), "no task, hyper_parameters"),
    "_target_ in safetensors": (described("model", "_target_", to="os.system"), "key _target_"),
    "a negative size in safetensors": (described("model", "hidden_size", to=-1), "model.hidden_size is -1"),
    "NaN in safetensors": (described("model", "dropout", to=float("nan")), "model.dropout is nan"),
    "a half character in safetensors": (described("form", to="\ud840"), r"form is '\\ud840'"),
    "offsets behind the file": (entry("data_offsets", [10**12, 10**12 + 100]), "isn't where the header says"),
    "offsets before the file": (entry("data_offsets", [-100, 0]), "isn't where the header says"),
    "offsets that aren't numbers": (entry("data_offsets", "ab"), "header can't be read|isn't where"),
    "offsets of another tensor": (entry("data_offsets", [0, 100]), "can't be read"),
    "an absurd shape": (entry("shape", [2**40, 2**40]), "isn't where the header says"),
    "a shape of truths": (entry("shape", [True]), "a size that no tensor has"),
    "whole numbers": (entry("dtype", "I32"), "numbers of the format 'I32'"),
    "a format that is a list": (entry("dtype", []), "can't be read"),
    "another checksum": (exported(), "SHA-256 differs"),
    "cut off": (exported(cut=1), "can't be read|isn't where"),
    "without fields": (
        lambda path, _: safetensors.torch.save_file(
            {"a": torch.ones(1)}, path, {"task": "LanguageModel", "hyper_parameters": "{}", "sha256": ""}),
        "has no model"),
}  # fmt: skip

GROUPS = {"code": CODE, "memory": MEMORY, "archives": ARCHIVES, "fields": FIELDS, "weights": WEIGHTS,
          "foreign": FOREIGN, "safetensors": SAFETENSORS}  # fmt: skip

FILES = {f"{group}: {case}": made for group, cases in GROUPS.items() for case, made in cases.items()}


def resumed(*keys: Any, to: Any) -> Make:
    return changed(*keys, to=to, of=resumable)


STATE = ("optimizer_states", 0, "state", 0)
RANDOM = ("run", "random", 0)

STATES: dict[str, tuple[Make, str]] = {
    "a model alone": (saved(lambda: content_of(language_model())), "holds a model without optimizer_states"),
    "a step before the first": (resumed("global_step", to=-1), "global_step is -1"),
    "an epoch that is a text": (resumed("epoch", to="1"), "epoch is '1'"),
    "Lightning 1": (resumed("pytorch-lightning_version", to="1.9.0"), "pytorch-lightning_version is '1.9.0'"),
    "loops that are a list": (resumed("loops", to=[]), "loops is a list"),
    "a negative count": (resumed("loops", "fit_loop", "epoch_progress", to={"current": {"ready": -1}}), "count of -1"),
    "two optimizers": (resumed("optimizer_states", to=lambda old: old * 2), "has 2 optimizers"),
    "an optimizer's tensor of another shape": (resumed(*STATE, "exp_avg", to=torch.ones(3)), "another shape than its"),
    "an optimizer's NaN": (resumed(*STATE, "exp_avg", to=lambda old: old * float("nan")), "0.exp_avg is not finite"),
    "an optimizer's list": (resumed(*STATE, "exp_avg", to=[1]), "no tensor and no number"),
    "a parameter too many": (
        resumed("optimizer_states", 0, "state", to=lambda old: {**old, 99: old[0]}), "parameter 99, which there isn't"),
    "other groups of parameters": (
        resumed("optimizer_states", 0, "param_groups", to=[{"params": [0], "lr": 0.1}]), "aren't the model's"),
    "groups that hold a tensor": (
        resumed("optimizer_states", 0, "param_groups", to=[{"params": torch.ones(1)}]), "aren't plain settings"),
    "a callback's tensor of 8 MB": (resumed("callbacks", "x", to=torch.ones(2**21)), "has a tensor of 8,388,608 bytes"),
    "a callback's class": (resumed("callbacks", "x", to=OrderedDict(_target_="os.system")), "key _target_"),
    "a position outside NumPy's table": (
        resumed(*RANDOM, "numpy", "state", to=lambda old: {**old, "pos": 2**30}), "run.random isn't what"),
    "no random states": (resumed("run", "random", to=[]), "run.random isn't what"),
    "a file's negative size": (resumed("run", "curves", to={"a": -1}), "run.curves isn't what"),
    "a mean of texts": (resumed("run", "means", to={"train_loss": ["a", "b", "c"]}), "run.means isn't what"),
    "a metric that is a text": (resumed("run", "metrics", to={"val/loss": "0"}), "run.metrics isn't what"),
    "a stop that is a text": (resumed("run", "should_stop", to="no"), "run.should_stop isn't what"),
    "a state too many": (resumed("run", "more", to=1), "run isn't the state of a run"),
}  # fmt: skip
