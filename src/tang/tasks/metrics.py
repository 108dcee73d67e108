"""Metrics that are accumulated over batches and ranks."""

from torch import Tensor, nn
from torchmetrics import MeanMetric


class Mean(MeanMetric):
    """A weighted mean that is NaN if one of its values is.

    torchmetrics 1.9 would check each update for NaN, which synchronizes with a GPU.
    """

    def update(self, value: Tensor, weight: Tensor | float = 1.0) -> None:  # type: ignore[override]
        """Add values with a weight for each, or one for all."""
        self.mean_value += (value * weight).sum()
        self.weight += weight.sum() if isinstance(weight, Tensor) else weight * value.numel()


class SplitMetrics(nn.Module):
    """Metrics over a whole split, each target with equal weight, whatever the batches."""

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch: the task's outputs, see :meth:`tang.tasks.base.Task.outputs`, and their targets."""
        raise NotImplementedError

    def compute(self) -> dict[str, Tensor]:
        """The value of each metric, ``loss`` first; resets them."""
        raise NotImplementedError
