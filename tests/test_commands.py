"""The real command lines, each as a user would type it."""

import csv
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tang.runs.sweep import SweepFolder
from tang.sweeps.summary import write_summary
from tang.text.forms import FORMS, Form, form_of
from tests.commands import Script, fresh
from tests.commands import script as path_of
from tests.conftest import verses
from tests.training.test_hparams import first_columns

pytestmark = pytest.mark.slow


def scalars(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def test_train_then_sample_then_evaluate(
    script: Script, fresh_script: Script, small: Sequence[str], tmp_path: Path
) -> None:
    exact = "trainer.precision=32-true"  # in which evaluate.py computes
    trained = fresh_script("train", *small, "scheduler=plateau", "trainer.log_every_n_steps=5", exact)
    assert trained.returncode == 0, trained.stderr
    (run,) = (tmp_path / "outputs" / "train").iterdir()

    # The run's folder
    assert {path.name for path in (run / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    log = (run / "train.log").read_text(encoding="utf-8")
    assert "computing on" in log
    assert f"with model.backend=torch {exact}" in log
    assert "epoch 2/2" in log
    assert "pytorch_lightning" in log
    assert "poems read" in trained.stdout
    assert "━" not in trained.stdout, "no progress bar in a pipe"
    assert "held-out perplexity" in trained.stdout
    assert "tensorboard --logdir outputs" in trained.stdout
    assert trained.stdout.count("\n\n日") == 1

    # TensorBoard
    events = scalars(run)
    names = set(events.Tags()["scalars"])
    assert names >= {
        *(f"train/{name}" for name in ("loss", "ppl", "loss_epoch", "ppl_epoch", "lr", "grad_norm")),
        "train/tokens_per_second",
        *(f"{part}/{name}" for part in ("val", "test") for name in ("loss", "ppl", "ppl_hanzi")),
        "val_best/loss",
        "val_best/ppl",
    }  # fmt: skip
    assert len(events.Scalars("val/loss")) == 2
    assert {"samples/text_summary", "statistics/text_summary"} <= set(events.Tags()["tensors"])
    best = min(point.value for point in events.Scalars("val/loss"))
    assert events.Scalars("val_best/loss")[0].value == pytest.approx(best)

    # Poems, from the checkpoint alone
    moved = tmp_path / "elsewhere" / "epoch=1.ckpt"
    moved.parent.mkdir()
    (run / "checkpoints" / "best.ckpt").rename(moved)
    assert "_target_" not in str(torch.load(moved, weights_only=True))
    sampled = script("sample", f"ckpt={moved}", "start=日,月山", "form=七言绝句", "n=2", "format=json", "out=诗.json")
    assert sampled.returncode == 0, sampled.stderr
    poems = json.loads((tmp_path / "诗.json").read_text(encoding="utf-8"))
    assert [poem["start"] for poem in poems] == ["日", "日", "月山", "月山"]
    assert all(form_of(poem["text"].replace("\n", "")) == FORMS["七言绝句"] for poem in poems)
    assert {"start", "form", "lines", "text", "log_likelihood", "pattern", "rhyme"} <= set(poems[0])
    printed = script(
        "sample", f"ckpt={moved}", "start=日", "chars=3", "lines=2", "batch_size=1", "precision=bf16-mixed"
    )
    assert form_of(printed.stdout.strip()) == Form(3, 2)
    page = script("sample", f"ckpt={moved}", "acrostic=日山", "contains=月", "no_copy=true", "candidates=3",
                  "script=traditional", "form=五言绝句", "format=html", "out=诗.html")  # fmt: skip
    assert page.returncode == 0, page.stderr
    assert "<p><span>日" in (tmp_path / "诗.html").read_text(encoding="utf-8")

    # The card says what training said
    measured = fresh_script("evaluate", f"ckpt={moved}", "split=val", "poems=2", "form=五言绝句", "format=json")
    card = json.loads(measured.stdout)
    assert card["ppl"] == pytest.approx(min(point.value for point in events.Scalars("val/ppl")), rel=1e-4)
    assert card["quality"]["forms"]["五言绝句"]["free"]["form"] == {"value": 1.0, "count": 2}


def test_a_sweep_ends_with_its_table(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    swept = script("train", *small, "optimizer=adam,adagrad", "model.embedding_size=8", "trainer.max_epochs=1", "-m")
    assert swept.returncode == 0, swept.stderr
    (sweep,) = (tmp_path / "outputs" / "sweeps").iterdir()
    assert {path.name for path in sweep.iterdir() if path.is_dir()} == {"0_optimizer=adam", "1_optimizer=adagrad"}
    with (sweep / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["optimizer"] for row in rows} == {"adam", "adagrad"}
    assert float(rows[0]["val/loss"]) <= float(rows[1]["val/loss"])
    assert (sweep / "summary.md").read_text(encoding="utf-8").strip() in swept.stdout
    assert swept.stdout.count("epoch 1/1") == 2
    assert "━" not in swept.stdout, "no progress bars in a sweep"
    for row in rows:
        events = scalars((tmp_path / row["checkpoint"]).parent.parent)
        assert f"{events.Scalars('val_best/loss')[0].value:.4f}" == row["val/loss"]
        assert first_columns(events) == ["optimizer"]
        assert ("statistics/text_summary" in events.Tags()["tensors"]) == (row["optimizer"] == "adam")


def test_every_backend_draws_the_same_curve(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    backends = ["torch", "cell", "equations", "bptt", "numpy"]
    arguments = ["trainer.max_steps=20", "trainer.log_every_n_steps=1", "model.dropout=0", "model.num_layers=2"]
    sweep = tmp_path / "sweep"
    for number, backend in enumerate(backends):
        folder = f"hydra.run.dir='sweep/{number}_model.backend={backend}'"
        trained = script("train", *small, f"model.backend={backend}", *arguments, folder)
        assert trained.returncode == 0, trained.stderr
    curves = [
        [point.value for point in scalars(sweep / f"{number}_model.backend={backend}").Scalars("train/loss")]
        for number, backend in enumerate(backends)
    ]
    assert len(curves[0]) == 20
    for curve in curves[1:]:
        assert curve == pytest.approx(curves[0], rel=1e-4)
    write_summary(SweepFolder(sweep))
    with (sweep / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["model.backend"] for row in rows} == set(backends)
    assert all(float(row["tokens/s"]) > 0 for row in rows)


def test_names_are_classified_and_predicted(script: Script, tmp_path: Path) -> None:
    rng = random.Random(0)
    (tmp_path / "names").mkdir()
    for language, letters in {"Vowels": "aeiou", "Consonants": "bcdfg"}.items():
        names = ["".join(rng.choices(letters, k=rng.randint(2, 6))) for _ in range(300)]
        (tmp_path / "names" / f"{language}.txt").write_text("\n".join(names), encoding="utf-8")
    arguments = ["data.path=names", "model.hidden_size=16", "trainer.max_epochs=12", "trainer.accelerator=cpu"]
    experiments = "experiment=names_lstm,names_lstm_equations"
    swept = script("train", experiments, *arguments, "data.balanced=true", "-m")
    assert swept.returncode == 0, swept.stderr
    (sweep,) = (tmp_path / "outputs" / "sweeps").iterdir()
    with (sweep / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["experiment"]: row for row in csv.DictReader(file)}
    lstm, equations = rows["names_lstm"], rows["names_lstm_equations"]
    assert float(lstm["val/loss"]) == pytest.approx(float(equations["val/loss"]), abs=2e-4)
    assert float(lstm["test/accuracy"]) > 0.9
    run = (tmp_path / lstm["checkpoint"]).parent.parent
    assert {"confusion/val", "confusion/test"} <= set(scalars(run).Tags()["images"])
    assert (run / "confusion.png").stat().st_size > 10_000

    predicted = script("predict", "ckpt=latest", "name=Aiou,Bcd", "top=1")
    assert re.fullmatch(r"Aiou  Vowels .*\nBcd   Consonants .*\n", predicted.stdout), predicted.stderr
    (tmp_path / "names" / "Third.txt").write_text("".join(f"x{chr(97 + i)}\n" for i in range(20)), encoding="utf-8")
    other = script("train", "experiment=names_lstm", *arguments, f"init_from={lstm['checkpoint']}")
    assert other.stderr.endswith("was trained on other languages: Consonants, Vowels\n")
    sampled = script("sample", f"ckpt={lstm['checkpoint']}")
    assert "this is a classifier of names, for predict.py; a language model is needed here" in sampled.stderr
    report = script("train", "experiment=names_lstm_report", *arguments, "trainer.max_steps=30", "hydra.run.dir=report")
    assert report.returncode == 0, report.stderr
    assert "held-out accuracy" in report.stdout


def test_a_poem_needs_no_key(script: Script) -> None:
    checked = script("check", "白日依山尽，黄河入海流。")
    assert checked.stdout.startswith("5×2 (simplified script), which is no regulated form\n"), checked.stderr


def test_a_study_is_printed_and_saved(script: Script, tmp_path: Path) -> None:
    studied = script("study", "study=memory")
    assert studied.returncode == 0, studied.stderr
    (run,) = (tmp_path / "outputs" / "studies").glob("*_memory")
    assert (run / "findings.md").read_text(encoding="utf-8") in studied.stdout
    assert (run / "memory.png").stat().st_size > 10_000
    tags = scalars(run).Tags()
    assert "memory" in tags["images"]
    assert "findings/text_summary" in tags["tensors"]


def test_a_run_goes_on_from_a_checkpoint_with_other_poems(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    first = script("train", *small, "trainer.max_steps=3", "model.cell=gru")  # the cell goes with the checkpoint
    assert first.returncode == 0, first.stderr
    assert "held-out perplexity" in first.stdout, "a run that ends before its first validation is measured too"
    (run,) = (tmp_path / "outputs" / "train").iterdir()
    mine = tmp_path / "mine.txt"
    mine.write_text("\n".join(verses(700)[400:]), encoding="utf-8")
    checkpoint = run / "checkpoints" / "best.ckpt"
    arguments = [*small, f"data.path={mine}", "optimizer.lr=1e-9", "trainer.max_epochs=1", "hydra.run.dir=second"]
    contrary = script("train", *arguments, "model.hidden_size=99", f"init_from={run}")
    expected = "error: model.hidden_size=99: the model of init_from has 16, and keeps it; leave the key out\n"
    assert contrary.stderr.endswith(expected)
    assert not (tmp_path / "second").exists(), "a refused command leaves nothing"
    second = script("train", *arguments, f"init_from={run}")
    assert second.returncode == 0, second.stderr
    before, after = (
        torch.load(path, weights_only=True) for path in (checkpoint, tmp_path / "second" / "checkpoints" / "last.ckpt")
    )
    assert after["hyper_parameters"]["vocabulary"] == before["hyper_parameters"]["vocabulary"]
    for name, tensor in before["state_dict"].items():
        torch.testing.assert_close(after["state_dict"][name], tensor, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("train", ["optimizer.lr=abc"], "optimizer.lr=abc: must be a number"),
        ("train", ["model.hiden_size=3"], "model.hiden_size=3: no such key (did you mean hidden_size?); model has"),
        ("train", ["optimizer=adamm"], "optimizer=adamm: no such choice (did you mean adam?); optimizer is one of"),
        ("train", ["data=text", "data.path=nowhere"], "data.path=nowhere: no such file or folder"),
        ("train", ["optimizer=adam,sgd"], "optimizer=adam,sgd: several values need -m"),
        ("train", ["optimizer"], "optimizer: can't be read; write key=value, without spaces"),
        ("train", ["model.dropout=2"], "model.dropout=2.0: must be at least 0 and below 1"),
        ("train", ["trainer.epochs=3"], "trainer.epochs=3: no such key (did you mean max_epochs or min_epochs?);"),
        ("train", ["study=flow"], "study=flow: no such group; --help lists the groups and keys of this script"),
        (
            "study",
            ["study=flow", "data.max_train=3"],
            "data.max_train=3: no such key (did you mean study.data.max_train?)",
        ),
        ("study", ["study.seeds=2"], "study.seeds=2: no such key; give study=… too"),
        (
            "train",
            ["callbacks.early_stopping=false"],
            "callbacks.early_stopping=false: is a group of keys; give callbacks.early_stopping.patience=… or",
        ),
        ("check", ["poem=hello, world"], "poem=hello, world: no Chinese characters"),
        ("sample", ["ckpt=latest", "n=1,2"], "n=1,2: must be a whole number"),
        ("train", ["lr=3"], "lr=3: no such key (did you mean optimizer.lr?); the config has data, model"),
        (
            "train",
            ["model.cell=gru", "model.backend=numpy"],
            "model.backend=numpy: has no model.cell=gru; backends that",
        ),
        ("train", ["data=names"], "data and model don't match: a classifier learns from data=names"),
        ("train", ["model.backend=numpy", "trainer.precision=bf16-true"], "model.backend=numpy: NumPy computes in"),
        ("sample", ["ckpt=latest", "-m"], "-m: this script makes no sweeps"),
        ("sample", ["star=日"], "star=日: no such key (did you mean start?); the config has"),
        ("train", ["data.batchsize=3"], "data.batchsize=3: no such key (did you mean batch_size?); data has"),
        (
            "study",
            ["study=flows"],
            "study=flows: no such choice (did you mean flow?); study is one of flow, gradients,",
        ),
        ("study", [], "study is missing: give study=…; --help lists the choices"),
        ("train", ["-m", "seed=1,2", "resume=nowhere"], "resume=nowhere: no sweep's folder, multirun.yaml isn't there"),
        (
            "train",
            ["-m", "seed=1,2", "trainer=ddp"],
            "trainer=ddp: a sweep's runs have one device each",
        ),
        ("predict", ["ckpt=latest", "name=null"], "name=null: can't be null"),
        ("study", ["study=flow", "study.recall.lags=5"], "study.recall.lags=5: must be a list, study.recall.lags=[…]"),
        ("export", ["to=a.safetensors"], "ckpt is missing: give ckpt="),
        ("report", ["dir=nowhere"], "dir=nowhere: no such folder"),
        ("report", ["dir=latest"], "dir=latest: no sweep below outputs/sweeps/; make one with"),
        ("sample", ["--ckpt", "latest"], "--ckpt: keys go without dashes, ckpt=…; --help lists them"),
        ("sample", ["ckpt=latest", "start=春,"], "start= is empty: give something, or leave the key out"),
        ("evaluate", ["ckpt=x", "form=五言绝句"], "form=五言绝句: only for the quality card; give poems=1000 too"),
        ("sample", ["ckpt=a=b.ckpt"], "ckpt=a=b.ckpt: no such file"),
        (
            "evaluate",
            ["ckpt=latest"],
            "ckpt=latest: no checkpoints/best.ckpt of a language model below outputs/; train",
        ),
        ("evaluate", ["ckpt=x", "split=dev"], "split=dev: must be one of train, val, test"),
    ],
)
def test_a_mistake_is_one_clear_line(called: Script, name: str, arguments: list[str], message: str) -> None:
    result = called(name, *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1


def test_a_locale_without_chinese_is_no_obstacle(
    script: Script, fresh_script: Script, small: Sequence[str], tmp_path: Path
) -> None:
    assert script("train", *small, "trainer.max_steps=2").returncode == 0
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    printed = fresh_script("sample", "ckpt=latest", "start=日", "form=五言绝句", env=locale)
    assert printed.stdout.startswith("日"), printed.stderr
    refused = fresh_script("sample", "ckpt=latest", "start=日", "out=诗.txt", env=locale)
    assert refused.stderr.endswith("error: 诗.txt: no file can have this name in this locale; set PYTHONUTF8=1\n")


def keys(values: object, path: str = "") -> Iterator[str]:
    """The keys of a config that have values of their own, ``trainer.max_epochs``."""
    if isinstance(values, dict):
        for name, value in values.items():
            if not name.startswith("_"):
                yield from keys(value, f"{path}.{name}" if path else name)
    elif not path.startswith("logger."):  # whose keys are groups of keys
        yield path


@pytest.mark.parametrize(
    "command", ["train", "sample", "evaluate", "predict", "check", "export", "study study=flow", "report", "page"]
)
def test_help_explains_every_key_of_the_config(called: Script, command: str) -> None:
    name, *arguments = command.split()
    shown = called(name, *arguments, "--help").stdout
    assert f"python src/{name}.py" in shown
    config = called(name, *arguments, "--cfg", "job")
    assert config.returncode == 0, config.stderr
    for key in keys(OmegaConf.to_container(OmegaConf.create(config.stdout))):
        assert re.search(rf"^  {re.escape(key)}=\S* +\S", shown, re.MULTILINE), key


@pytest.mark.parametrize(
    "name", ["train", "sample", "evaluate", "predict", "check", "export", "study", "report", "page"]
)
def test_help_does_not_wait_for_pytorch(name: str, tmp_path: Path) -> None:
    program = f"""
import runpy, sys
sys.argv = [{path_of(name)!r}, "--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    assert "torch" not in sys.modules
"""
    assert fresh(["-c", program], tmp_path).returncode == 0


def test_shell_completion_completes(script: Script) -> None:
    line = "python src/train.py optimizer=ada"
    completed = script(
        "train", "-sc", "query=bash", env={"COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_CWORD": "2"}
    )
    assert set(completed.stdout.split()) == {f"optimizer={name}" for name in ("adadelta", "adagrad", "adam", "adamw")}
