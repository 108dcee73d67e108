from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tang.cli.arguments import arguments
from tang.cli.resume import resumed
from tang.errors import InputError


def started(folder: Path, given: list[str]) -> None:
    """Write Hydra's record of a sweep's command line."""
    overrides = [argument for argument in arguments(["-m", *given]) if argument != "-m"] + ["hydra.mode=MULTIRUN"]
    kinds = {"hydra": [one for one in overrides if one.startswith("hydra")]}
    kinds["task"] = [one for one in overrides if not one.startswith("hydra")]
    folder.mkdir()
    OmegaConf.save(OmegaConf.create({"hydra": {"overrides": kinds}}), folder / "multirun.yaml")


def again(folder: Path, *given: str) -> list[str]:
    """The sweep's arguments when it is resumed, without those that resuming adds."""
    ready = resumed(["-m", *given, f"resume={folder}"])
    assert ready[0] == "-m"
    assert ready[-2].startswith("hydra.sweep.dir='")
    assert ready[-1].startswith("hydra.sweep.subdir='${run_name:")
    return ready[1:-2]


@pytest.mark.parametrize(
    "given",
    [
        ["seed=1,2", "model.hidden_size=16", "data.path='唐诗.txt'"],
        [
            "optimizer=adam,sgd",
            "data.path='唐诗.txt'",
            "data.forms=['五言绝句']",
            "callbacks.early_stopping.patience=null",
        ],
        ["experiment=names_rnn,names_lstm", "data.path='it\\'s=mine.txt'", "hydra/launcher=gpus"],
    ],
)
def test_a_sweep_goes_on_with_its_own_arguments(tmp_path: Path, given: list[str]) -> None:
    folder = tmp_path / "a sweep"
    started(folder, given)
    assert sorted(again(folder)) == sorted(given)
    before, after = arguments(["-m", *given]), arguments(resumed(["-m", f"resume={folder}"]))
    assert {argument for argument in before if "exclude_keys" not in argument} <= set(after)


def test_what_is_given_now_counts(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    started(
        folder,
        ["optimizer=adam,sgd", "seed=1,2", "model.dropout=0.1", "hydra/launcher=gpus", "hydra.launcher.n_jobs=4"],
    )
    kept = ["optimizer=adam,sgd", "model.dropout=0.1"]
    assert {"seed=1,2,3", "hydra.launcher.n_jobs=4", *kept} < set(again(folder, "seed=1,2,3"))
    other = again(folder, "hydra/launcher=ray")
    assert set(other) == {*kept, "seed=1,2", "hydra/launcher=ray"}, "the settings of another launcher don't fit"


def test_a_key_that_was_varied_stays_in_the_folders_names(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    started(folder, ["optimizer=adam,sgd", "seed=1,2"])
    assert set(again(folder, "optimizer=sgd")) == {"optimizer=choice(sgd)", "seed=1,2"}
    ready = arguments(resumed(["-m", "optimizer=sgd", f"resume={folder}"]))
    assert "optimizer" not in ready[-1].partition("exclude_keys=")[2]


def test_new_jobs_have_numbers_that_no_other_had(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    started(folder, ["seed=1,2"])
    for name in ("0_seed=1", "9_seed=2", ".submitit"):
        (folder / name).mkdir()
    assert resumed(["-m", f"resume={folder}"])[-1].endswith(",10}'")


def test_a_folder_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    started(tmp_path / "sweep", ["seed=1,2"])
    with pytest.raises(InputError, match="sweep: a sweep's folder; give -m too"):
        resumed([f"resume={tmp_path / 'sweep'}"])
    with pytest.raises(InputError, match=r"no sweep's folder, multirun.yaml isn't there; a single run is resumed"):
        resumed(["-m", f"resume={tmp_path}"])
    assert resumed(["-m", "seed=1,2"]) == ["-m", "seed=1,2"]
