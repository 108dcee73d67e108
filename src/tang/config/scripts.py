"""The schemas of the other scripts' configs."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from tang.config.rules import (
    FORM_NAME,
    SAFETENSORS,
    SEED,
    TEMPERATURE,
    at_least,
    key,
    one_of,
)


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
    split: str = key("test", rule=one_of("train", "val", "test"))
    poems: int = key(0, rule=at_least(0))
    form: str | None = key(None, rule=FORM_NAME)
    temperature: float = key(0.8, rule=TEMPERATURE)
    seed: int = key(1, rule=SEED)
    batch_size: int = key(128, rule=at_least(1))
    precision: str = key("32-true", rule=one_of("32-true", "bf16-mixed", "64-true"))
    format: str = key("text", rule=one_of("text", "json"))
    out: str | None = None


@dataclass
class Predict:
    """``conf/predict.yaml``."""

    ckpt: str = MISSING
    name: list[str] = MISSING
    top: int = key(3, rule=at_least(1))
    format: str = key("text", rule=one_of("text", "json"))
    out: str | None = None


@dataclass
class Export:
    """``conf/export.yaml``."""

    ckpt: str = MISSING
    to: str = key(MISSING, rule=SAFETENSORS)


@dataclass
class Check:
    """``conf/check.yaml``."""

    poem: str | None = None
    file: str | None = None
    ckpt: str | None = None
    corpus: bool = False
    data: Places = field(default_factory=Places)
    format: str = key("text", rule=one_of("text", "json"))
    out: str | None = None


@dataclass
class Report:
    """``conf/report.yaml``."""

    dir: str = MISSING
    x: str | None = None
    y: str | None = None
