"""A run's row among TensorBoard's HParams."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from tang.training.loggers import Curves


def first_columns(events: EventAccumulator) -> list[str]:
    """The settings that TensorBoard's table shows before all others."""
    content = events.SummaryMetadata("_hparams_/experiment").plugin_data.content
    return [column.name for column in HParamsPluginData.FromString(content).experiment.hparam_infos if column.differs]


def test_the_columns_of_what_was_varied_come_first(tmp_path: Path) -> None:
    logger = Curves(tmp_path, name="", version="", default_hp_metric=False)
    logger.log_metrics({"val/loss": 2.5, "epoch": 0}, 9)
    logger.log_row({"data.batch_size": 32, "optimizer": "adam", "seed": 1}, ["seed", "optimizer"], {"val_best/loss": 2})
    logger.finalize("success")
    events = EventAccumulator(str(tmp_path)).Reload()
    assert first_columns(events) == ["optimizer", "seed"]
    start = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    assert HParamsPluginData.FromString(start).session_start_info.hparams["data.batch_size"].number_value == 32
    assert events.Tags()["scalars"] == ["val/loss", "val_best/loss"], "no curve of epochs"
    assert [path.name.partition(".")[0] for path in tmp_path.iterdir()] == ["events"]
