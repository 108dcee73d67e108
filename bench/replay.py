"""A training step captured as CUDA graphs, one for each shape of its batches: one launch in place of hundreds."""

import time
from collections.abc import Callable
from typing import Any

import ours
import torch
from torch import Tensor

from tang.data.batches import Batch

Capture = Callable[[Callable[[], None]], Callable[[], None]]
"""Takes work on tensors that stay where they are, and returns a function that repeats it."""


class Replayed:
    """A step that captures itself at the second batch of a shape (B, T), and is replayed from then on.

    The first batch of a shape is computed as usual, so that nothing is computed for the first time in a capture. Epochs
    have the same shapes, whatever their order. A captured step reads its batch from tensors of its own::

        batch ──copied──► inputs, targets, num_tokens ──► graph: loss, backward, clipping, optimizer
    """

    def __init__(self, step: Callable[[Batch], None], capture: Capture) -> None:
        self.step = step
        self.capture = capture
        self.seen: set[tuple[int, ...]] = set()
        self.captured: dict[tuple[int, ...], tuple[tuple[Tensor, ...], Callable[[], None]]] = {}
        self.capture_seconds = 0.0

    def __call__(self, batch: Batch) -> None:
        shape = tuple(batch.inputs.shape)
        if shape not in self.seen:
            self.seen.add(shape)
            self.step(batch)
            return
        if shape not in self.captured:
            self.captured[shape] = self._captured(batch)
        (inputs, targets, num_tokens), replay = self.captured[shape]
        inputs.copy_(batch.inputs)
        targets.copy_(batch.targets)
        num_tokens.fill_(batch.num_tokens)
        replay()

    def _captured(self, batch: Batch) -> tuple[tuple[Tensor, ...], Callable[[], None]]:
        begin = time.perf_counter()
        num_tokens: Any = torch.full((), batch.num_tokens, device=batch.inputs.device)  # a number would be captured
        own = Batch(batch.inputs.clone(), batch.targets.clone(), num_tokens)
        replay = self.capture(lambda: self.step(own))
        self.capture_seconds += time.perf_counter() - begin
        return (own.inputs, own.targets, num_tokens), replay


def replayed(step: ours.Step) -> Replayed:
    """``step``, whose optimizer is Adam or AdamW, as CUDA graphs that share their memory: one runs at a time."""
    for group in step.optimizer.param_groups:
        group["capturable"] = True  # its count of steps stays on the GPU
    pool = torch.cuda.graph_pool_handle()

    def capture(work: Callable[[], None]) -> Callable[[], None]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool):
            work()
        return graph.replay

    return Replayed(step, capture)
