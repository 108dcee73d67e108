import math
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from tang.reporting.curves import Points, read_curve


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Of a run of 40 steps that was resumed after step 20, with a loss every 10 and other things between."""
    for resumed, steps in ((None, (9, 19, 29)), (20, (29, 39))):
        with SummaryWriter(str(tmp_path), purge_step=resumed, filename_suffix=f".{resumed}") as writer:
            for step in steps:
                writer.add_scalar("val/loss", 50 - step if step != 19 else math.nan, step)
                writer.add_scalar("val/loss_epoch", 1.0, step)
                writer.add_text("samples", "日出东山上" * step, step)
    return sorted(tmp_path.iterdir(), key=lambda path: path.name.endswith(".20"))


def by_tensorboard(folder: Path) -> Points:
    events = EventAccumulator(str(folder)).Reload()
    return [(event.step + 1, event.value) for event in events.Scalars("val/loss") if math.isfinite(event.value)]


def test_a_curve_is_that_of_tensorboard(files: list[Path], tmp_path: Path) -> None:
    assert read_curve(files, "val/loss") == by_tensorboard(tmp_path) == [(10, 41.0), (30, 21.0), (40, 11.0)]
    assert read_curve(files, "val/ppl") == []


def test_a_curve_ends_where_its_file_is_cut_off_or_damaged(files: list[Path]) -> None:
    whole = files[1].read_bytes()
    last = whole.rindex(b"val/loss\x15")  # and the value
    for damaged in (whole[:last], whole[:last] + b"\xff" * (len(whole) - last)):
        files[1].write_bytes(damaged)
        assert read_curve(files, "val/loss") == [(10, 41.0), (30, 21.0)]
