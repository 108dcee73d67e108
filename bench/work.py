"""A training to measure."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Work:
    """A training to measure: network, data and number of steps."""

    embedding_size: int
    hidden_size: int
    num_layers: int
    tie_weights: bool
    dropout: float
    lr: float
    clip: float | None
    vocabulary_size: int
    batch_size: int
    seed: int
    overrides: tuple[str, ...]
    """Overrides of this project's config that make it agree with the fields above."""
    backend: str
    precision: str
    """Backend and precision after ``auto`` is resolved on this machine."""
    ids: str
    """A folder with ``tokens.npy`` and ``offsets.npy`` of the training split."""
    length: int
    """Length to which plain training cuts and pads poems."""
    warmup: int
    """Untimed steps at the beginning."""
    steps: int
    """Timed steps."""
    device: str
    batches: int
    """Batches in an epoch of this project."""
    poems: int
    tokens: int
    """Poems and tokens in an epoch."""

    @property
    def flop(self) -> int:
        """FLOP of training on a token."""
        from machine import training_flop

        return training_flop(self.embedding_size, self.hidden_size, self.num_layers, self.vocabulary_size)

    def lasting(self, seconds: float, rate: float) -> "Work":
        """The same work with the steps that take about ``seconds`` at half of ``rate`` (FLOP/s), an epoch at most."""
        steps = round(seconds * rate / 2 / (self.flop * self.tokens / self.batches))
        return replace(self, steps=max(3, min(steps, self.batches - self.warmup)))

    @property
    def matmul_dtype(self) -> str:
        """Name of the dtype of this project's matmuls."""
        return "bfloat16" if self.precision == "bf16-mixed" else "float32"
