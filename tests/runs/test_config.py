"""The config of a run that is resumed."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tang.cli.mistakes import explain
from tang.cli.resume import resumed
from tang.errors import InputError
from tang.runs.config import load_config, resumed_config, save_config
from tang.runs.run import Result, RunFolder
from tests.test_config import composed, settings

RESULT = Result("LanguageModel", 2.0, {}, 5, 0.1, 9.0, "best.ckpt")


def run(folder: Path, *overrides: str, text: str | None = None) -> RunFolder:
    """The folder of a run with this config."""
    (folder / ".hydra").mkdir(parents=True)
    content = text if text is not None else OmegaConf.to_yaml(composed(*overrides))
    (folder / ".hydra" / "config.yaml").write_text(content, encoding="utf-8")
    return RunFolder(folder)


def test_a_run_keeps_its_config(tmp_path: Path) -> None:
    for number, overrides in enumerate([[], ["experiment=names_lstm", "optimizer=adamw"], ["scheduler=plateau"]]):
        folder = run(tmp_path / str(number), *overrides)
        assert load_config(folder) == settings(*overrides)


def test_only_its_end_may_be_moved_and_that_is_kept(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", "model.hidden_size=32", "trainer.max_epochs=2")
    overrides = [f"resume={folder.path}", "trainer.max_epochs=7"]
    config = resumed_config(folder, settings(*overrides), overrides)
    assert (config.trainer.max_epochs, config.model.hidden_size) == (7, 32)
    save_config(folder, config)
    assert load_config(folder) == config
    folder.write_result(RESULT)
    with pytest.raises(InputError, match=r"this run is finished; trainer\.max_epochs=… trains on"):
        resumed_config(folder, settings(overrides[0]), overrides[:1])
    overrides[1] = "trainer.max_epochs=8"
    assert resumed_config(folder, settings(*overrides), overrides).trainer.max_epochs == 8


@pytest.mark.parametrize(
    ("ended_by", "given", "advice"),
    [
        (["max_epochs"], ["trainer.max_epochs=5"], "all epochs are done (trainer.max_epochs); trainer.max_epochs=…"),
        (["max_steps"], ["trainer.max_epochs=99"], "all steps are done (trainer.max_steps); trainer.max_steps=…"),
        (
            ["max_epochs", "max_steps"],
            ["trainer.max_steps=99"],
            "(trainer.max_steps); trainer.max_epochs=… trains",
        ),
        (["max_epochs", "max_steps"], [], "trainer.max_epochs=… trainer.max_steps=… trains on"),
        (["max_time"], ["trainer.max_steps=99"], "its time is up (trainer.max_time); trainer.max_time=… trains on"),
        (["patience"], ["trainer.max_epochs=99"], "(callbacks.early_stopping.patience); init_from="),
        (["fast_dev_run"], ["trainer.max_epochs=99"], "(trainer.fast_dev_run); init_from="),
        (["max_steps"], ["trainer.max_steps=51"], None),
        (["max_steps"], ["trainer.max_steps=-1"], None),
        (["max_time"], ["trainer.max_time=00:01:00:00"], None),
    ],
)
def test_a_finished_run_trains_on_only_past_the_limit_that_ended_it(
    ended_by: list[str], given: list[str], advice: str | None, tmp_path: Path
) -> None:
    folder = run(tmp_path / "run", "trainer.max_epochs=5", "trainer.max_steps=50", "trainer.max_time=00:00:01:00")
    folder.write_result(replace(RESULT, epochs=5, steps=50, ended_by=ended_by))
    overrides = [f"resume={folder.path}", *given]
    if advice is None:
        resumed_config(folder, settings(*overrides), overrides)
    else:
        with pytest.raises(InputError, match=re.escape(advice)):
            resumed_config(folder, settings(*overrides), overrides)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("torch.optim.Adam", "os.system", "not the config of a run of this version"),
        ("tang.data.poems.PoemDataModule", "subprocess.run", "not the config of a run of this version"),
        ("hidden_size: 256", "hidden_size: -1", r"model\.hidden_size=-1: must be from 1 to 65536"),
        ("hidden_size: 256", "hidden_size: [1]", "not the config of a run of this version"),
        ("hidden_size: 256", "hidden_sizes: 256", "not the config of a run of this version"),
        ("init_from: null", "init_from: ${new_folder:outputs/x}", "calls a function; give the value itself"),
        ("init_from: null", r'init_from: "\u0024{new_folder:outputs/x}"', "calls a function; give the value itself"),
        ("init_from: null", "init_from: ${${seed}:outputs/x}", "calls a function; give the value itself"),
        ("init_from: null", "init_from: &a [x]\nresume: *a", "has a YAML alias"),
        ("init_from: null", f"init_from: {'[' * 5000}", "not the config of a run of this version"),
        ("init_from: null", f"init_from: {'x' * 2**20}", "no file of a config's size"),
        ("seed: 1", "seed: !!python/object/apply:os.system [true]", "not the config of a run of this version"),
        ("seed: 1", "seed: [", "not the config of a run of this version"),
    ],
)
def test_a_config_is_read_as_untrusted(before: str, after: str, message: str, tmp_path: Path) -> None:
    text = OmegaConf.to_yaml(composed())
    assert before in text
    folder = run(tmp_path / "run", text=text.replace(before, after))
    with pytest.raises(InputError, match=message) as error:
        load_config(folder)
    assert "\n" not in str(error.value)
    assert explain(error.value, []).startswith(str(folder.config)), "the file is named, whatever the cause"


def test_resume_names_a_run_or_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="resume=latest: no run below outputs has a"):
        resumed(["resume=latest"])
    for age, name in enumerate(["finished", "b", "a"]):
        last = run(Path("outputs", "train", name)).last
        last.parent.mkdir()
        last.touch()
        os.utime(last, (1000 - age, 1000 - age))
    Path("outputs", "train", "finished", "result.json").touch()
    run(Path("outputs", "train", "refused"))
    assert "hydra.run.dir='outputs/train/b'" in resumed(["resume=latest", "trainer.max_epochs=3"])
    assert "hydra.run.dir='outputs/train/a'" in resumed(["resume=outputs/train/a"])
    with pytest.raises(InputError, match=r"optimizer\.lr: a run is resumed with its own config"):
        resumed(["resume=latest", "optimizer.lr=1"])
    with pytest.raises(InputError, match="resume=nowhere: no run's folder"):
        resumed(["resume=nowhere"])
