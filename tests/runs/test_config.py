"""The config of a run that is resumed."""

import os
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tang.cli.mistakes import explain
from tang.cli.resume import resumed
from tang.errors import InputError
from tang.runs.config import load_config, resumed_config, save_config
from tang.runs.run import RunFolder
from tests.test_config import composed, settings


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
    (folder.path / "result.json").touch()
    with pytest.raises(InputError, match=r"this run is finished; trainer\.max_epochs=… trains on"):
        resumed_config(folder, settings(overrides[0]), overrides[:1])
    assert resumed_config(folder, settings(*overrides), overrides).trainer.max_epochs == 7


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
    with pytest.raises(InputError, match="resume=latest: no run below outputs/train has a"):
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
