"""Several devices that share the batches of one run: processes with gloo, on the CPU."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tang.corpus.names import Name
from tang.data.batches import PoemLoader
from tang.data.gather import Shard
from tang.data.name_batches import NO_LANGUAGE, NameBatch
from tang.data.vocabulary import SPECIALS
from tang.errors import InputError
from tang.runs import ranks
from tang.tasks.classifier import Metrics
from tang.tasks.language_model import LanguageModel
from tang.training.build import check_backend
from tests import commands
from tests.commands import Fork, Script
from tests.conftest import write_names
from tests.data.test_batches import sequences
from tests.resuming import assert_equal_to_rounding, curves
from tests.test_config import settings

CPU = torch.device("cpu")
DDP = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]


def gradients(model: LanguageModel) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize(("batch_size", "world_size"), [(8, 2), (8, 3), (1, 3)])
def test_the_mean_loss_of_the_shares_is_that_of_the_batch(batch_size: int, world_size: int) -> None:
    torch.manual_seed(0)
    poems = sequences([3, 3, 4, 9, 9, 9, 9, 12, 30])
    keys = {"hidden_size": 8, "dropout": 0, "activation_penalty": 2, "temporal_penalty": 1}
    model = LanguageModel(keys, [*SPECIALS, *map(chr, range(0x4E00, 0x4E20))], {})
    shares = [PoemLoader(poems, batch_size, 1, Shard(CPU, rank, world_size)) for rank in range(world_size)]
    for whole, *parts in zip(PoemLoader(poems, batch_size, 1), *shares, strict=True):
        torch.stack(model.loss(whole)).sum().backward()
        expected = gradients(model)
        model.zero_grad()
        # One part or more of a single poem are empty.
        losses = torch.stack([torch.stack(model.loss(part)) for part in parts]).mean(0)
        losses.sum().backward()
        torch.testing.assert_close(losses, torch.stack(model.loss(whole)))
        torch.testing.assert_close(gradients(model), expected)
        model.zero_grad()
        counts = [int((part.targets != 0).sum()) for part in parts]
        assert sum(counts) == pytest.approx(sum(part.num_tokens for part in parts))


@pytest.mark.parametrize("world_size", [2, 5])
def test_the_shares_of_names_count_each_name_once(world_size: int) -> None:
    names = [Name("Novak", "Czech"), Name("Vries", "Dutch"), Name("Neal", "Irish"), Name("Aa", "Dutch")]
    whole, indices = NameBatch.of(names, ["Czech", "Dutch", "Irish"]), np.array([3, 0, 2])
    parts = [whole.select(indices, Shard(CPU, rank, world_size)) for rank in range(world_size)]
    targets = [target for part in parts for target in part.targets.tolist()]
    assert sorted(t for t in targets if t != NO_LANGUAGE) == [0, 1, 2]
    assert sum(part.num_names for part in parts) == pytest.approx(3)
    assert sum(part.num_tokens for part in parts) == pytest.approx(5 + 4 + 2)

    logits = torch.randn(4, 3)
    expected, metrics = Metrics(3), Metrics(3)
    expected.update(logits[indices], whole.targets[indices])
    for rank, part in enumerate(parts):
        taken = indices[rank::world_size]
        metrics.update(logits[taken] if len(taken) else logits[:1], part.targets)
    torch.testing.assert_close(metrics.compute(), expected.compute())


def test_each_device_drops_other_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    for rank in range(3):
        torch.manual_seed(1)
        monkeypatch.setattr(LanguageModel, "global_rank", rank)
        LanguageModel({"hidden_size": 2}, SPECIALS, {}).on_fit_start()
        drawn.append(torch.rand(()).item())
    assert len(set(drawn)) == 3


def test_a_cell_whose_weights_a_batch_can_leave_out_is_refused() -> None:
    ddp = ["experiment=names_rnn", "trainer=ddp", "model.backend=torch"]
    with pytest.raises(InputError, match=r"model\.cell=rnn_report: .* one device"):
        check_backend(settings(*ddp, "model.cell=rnn_report"))
    check_backend(settings(*ddp, "model.cell=lstm_report"))


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a process that was started by itself."""
    for name in (*ranks.RANKS, "WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ranks, "_end_with", lambda parent: None)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "rank"),
    [
        ({}, 0),
        ({"LOCAL_RANK": "1", "WORLD_SIZE": "2"}, 1),  # as Lightning starts it
        ({"RANK": "5", "LOCAL_RANK": "1", "WORLD_SIZE": "8"}, 5),  # torchrun
        ({"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4"}, 3),  # srun
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, 0),  # sbatch, whose script has many tasks to come
    ],
)
def test_all_processes_but_the_first_are_silent(
    variables: dict[str, str], rank: int, alone: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        alone.setenv(name, value)
    given = ["seed=2", "hydra.run.dir=here"]
    assert ranks.rank() == rank
    assert ranks.follower_arguments(given) == given + (ranks.FOLLOWER if rank else [])


@pytest.mark.parametrize("variables", [{"RANK": "0", "WORLD_SIZE": "8"}, {"SLURM_STEP_NUM_TASKS": "8"}])
def test_processes_that_others_start_are_told_their_folder(
    variables: dict[str, str], alone: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        alone.setenv(name, value)
    with pytest.raises(InputError, match=r"8 processes were started for one run: give hydra\.run\.dir="):
        ranks.follower_arguments(["seed=2"])


def files(folder: Path) -> list[str]:
    """All in a run's folder; of TensorBoard's files the number."""
    names = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    return sorted("events" if name.startswith("events") else name for name in names)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["callbacks.samples.start=日,月"],
        ["model.backend=bptt", "model.num_layers=2", "trainer.accumulate_grad_batches=3", "scheduler=plateau"],
        ["experiment=names_lstm", "data.path=names", "data.balanced=true", "data.batch_size=33"],
    ],
    ids=["poems", "accumulated", "names"],
)
def test_two_processes_draw_the_curves_of_one(
    arguments: list[str], script: Script, small: Sequence[str], tmp_path: Path
) -> None:
    write_names(tmp_path / "names")
    common = ["trainer.precision=32-true", "model.dropout=0", "trainer.log_every_n_steps=1"]
    given = [*(small if "data.path=names" not in arguments else small[4:]), *common, *arguments]
    alone = script("train", *given, "hydra.run.dir=alone")
    assert alone.returncode == 0, alone.stderr
    shared = script("train", *given, *DDP)
    assert shared.returncode == 0, shared.stderr

    (run,) = (tmp_path / "outputs" / "train").iterdir()
    expected, found = curves(tmp_path / "alone"), curves(run)
    assert_equal_to_rounding(expected, found)
    assert {"train/loss", "train/loss_epoch", "train/grad_norm", "val/loss", "test/loss"} <= found.keys()

    assert files(run) == files(tmp_path / "alone")
    assert shared.stdout.count("epoch 1/2") == shared.stdout.count("held-out") == 1
    assert "epoch 1/2" in (run / "train.log").read_text(encoding="utf-8")
    assert shared.stderr == alone.stderr


@pytest.mark.slow
def test_a_run_is_resumed_on_more_devices_and_on_fewer(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    """Without dropout and a schedule with an end its curves are those of one device throughout."""
    given = [*small, "trainer.precision=32-true", "model.dropout=0", "scheduler=none", "trainer.log_every_n_steps=1"]
    for arguments in (
        [*given, "trainer.max_epochs=3", "hydra.run.dir=alone"],
        [*given, "trainer.max_epochs=1", "hydra.run.dir=run"],
        ["resume=run", "trainer.max_epochs=2", "trainer.strategy=ddp", "trainer.devices=2"],
        ["resume=run", "trainer.max_epochs=3", "trainer.devices=1"],
    ):
        done = script("train", *arguments)
        assert done.returncode == 0, done.stderr
    alone, run = curves(tmp_path / "alone"), curves(tmp_path / "run")
    ends = {name for name in alone if name.startswith(("test/", "val_best/"))}  # one for each end
    assert_equal_to_rounding(*({name: points for name, points in c.items() if name not in ends} for c in (alone, run)))


@pytest.mark.slow
def test_several_devices_are_asked_for_by_name(script: Script, small: Sequence[str]) -> None:
    refused = script("train", *small, "trainer.devices=2")
    assert (refused.returncode, refused.stderr) == (
        1,
        "error: trainer.devices=2: for a run on several devices give trainer=ddp\n",
    )
    assert script("train", *small, *DDP, "trainer.num_nodes=2").stderr == (
        "error: trainer.num_nodes=2: torchrun or srun starts a run on several hosts\n"
    )
    assert script("train", *small, "trainer.strategy=fsdp").stderr.startswith("error: trainer.strategy=fsdp: must be")


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "number", "exit_code"), [(1, signal.SIGKILL, None), (0, signal.SIGKILL, -9), (0, signal.SIGTERM, 143)]
)
def test_no_process_of_a_run_outlives_the_others(
    which: int, number: signal.Signals, exit_code: int | None, small: Sequence[str], tmp_path: Path
) -> None:
    endless = ["trainer.max_epochs=100000", "callbacks.early_stopping.patience=null", "hydra.run.dir=run"]
    log = tmp_path / "run" / "train.log"
    with Fork([commands.script("train"), *small, *DDP, *endless], tmp_path, tmp_path / "said") as first:
        while not (log.exists() and "epoch 2/" in log.read_text(encoding="utf-8")):
            assert first.poll() is None, first.done()
            time.sleep(0.1)
        found = subprocess.run(["pgrep", "-P", str(first.pid)], capture_output=True, encoding="utf-8").stdout
        (follower,) = map(int, found.split())
        os.kill([first.pid, follower][which], number)
        code = first.wait()
    assert code == exit_code if exit_code else code != 0
    until = time.monotonic() + 600
    while is_running(follower):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert not (tmp_path / "run" / "result.json").exists()
