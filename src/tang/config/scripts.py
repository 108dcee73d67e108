"""The schemas of the other scripts' configs."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from tang.config.rules import FORM_NAME, PROBABILITY, SEED, STARTS, TEMPERATURE, at_least, key, one_of


@dataclass
class Sample:
    """``conf/sample.yaml``."""

    ckpt: str = MISSING
    start: list[str] = field(default_factory=lambda: list(STARTS))
    form: str | None = key(None, FORM_NAME)
    chars: int | None = key(None, at_least(1))
    lines: int | None = key(None, at_least(1))
    n: int = key(1, at_least(1))
    temperature: float = key(0.8, TEMPERATURE)
    top_k: int | None = key(None, at_least(1))
    top_p: float | None = key(None, PROBABILITY)
    seed: int = key(1, SEED)
    batch_size: int = key(256, at_least(1))
    precision: str = key("32-true", one_of("32-true", "bf16-mixed"))
    format: str = key("text", one_of("text", "json"))
    out: str | None = None


@dataclass
class Places:
    dir: str | None = None
    path: str | None = None
    cache: str | None = None


@dataclass
class Evaluate:
    """``conf/evaluate.yaml``."""

    ckpt: str = MISSING
    data: Places = field(default_factory=Places)
    split: str = key("test", one_of("train", "val", "test"))
    batch_size: int = key(128, at_least(1))
    precision: str = key("32-true", one_of("32-true", "bf16-mixed", "64-true"))
    format: str = key("text", one_of("text", "json"))
    out: str | None = None


@dataclass
class Predict:
    """``conf/predict.yaml``."""

    ckpt: str = MISSING
    name: list[str] = MISSING
    top: int = key(3, at_least(1))
    format: str = key("text", one_of("text", "json"))
    out: str | None = None
