"""Keys of the other scripts."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from tang.config.keys import (
    FORM_NAME,
    SAFETENSORS,
    SAMPLING_TEMPERATURE,
    SEED,
    SHIPPED,
    TEMPERATURE,
    at_least,
    between,
    key,
    one_of,
)
from tang.text.layout import LAYOUTS

CKPT = "shipped, latest (the best of the newest run), a checkpoint, a run's or a sweep's folder, or .safetensors"
OUT = "file to write to instead of the screen"
MAX_SUGGESTIONS = 32
OVERWRITE = "true: replace the file out= if there is one"


@dataclass
class CorpusPaths:
    """Where the corpus is."""

    dir: str | None = key(None, "folder of the corpus's files, if it has moved")
    path: str | None = key(None, "your own poems, if they have moved")
    cache: str | None = key(None, "folder of prepared ids")
    layout: str | None = key(None, "how the poems stand in a text file; null: found out", one_of(*LAYOUTS))

    def given(self) -> dict[str, Any]:
        """The keys that are not null."""
        return {name: place for name, place in vars(self).items() if place is not None}


@dataclass
class EvaluateConfig:
    """The perplexity card of a model, and the quality card of its poems."""

    ckpt: str = key(SHIPPED, CKPT)
    split: str = key("test", "split to evaluate on", one_of("train", "val", "test"))
    poems: int = key(0, "poems to write and measure for each form and constraint; 0: none", at_least(0))
    form: str | None = key(None, "form of the poems written; null: the four regulated forms", FORM_NAME)
    temperature: float = key(SAMPLING_TEMPERATURE, "temperature of the poems written", TEMPERATURE)
    seed: int = key(1, "seed of the poems written", SEED)
    batch_size: int = key(128, "poems at once: memory and speed", at_least(1))
    precision: str = key("32-true", "precision of the computation", one_of("32-true", "bf16-mixed", "64-true"))
    fit_temperature: bool = key(False, "adds the perplexity at the temperature that suits the val split best")
    data: CorpusPaths = field(default_factory=CorpusPaths)
    format: str = key("text", "format of the output", one_of("text", "json"))
    out: str | None = key(None, OUT)
    overwrite: bool = key(False, OVERWRITE)


@dataclass
class PredictConfig:
    """The likeliest languages of names."""

    ckpt: str = key(MISSING, CKPT)
    name: list[str] = key(MISSING, "a name, or several: Satoshi,Jackson")
    top: int = key(3, "languages for each name", at_least(1))
    format: str = key("text", "format of the output", one_of("text", "json"))
    out: str | None = key(None, OUT)
    overwrite: bool = key(False, OVERWRITE)


@dataclass
class ExportConfig:
    """A trained model as safetensors."""

    ckpt: str = key(MISSING, CKPT)
    to: str = key(MISSING, "file to write", SAFETENSORS)
    dtype: str = key("float32", "dtype of the weights; bfloat16: half the size", one_of("float32", "bfloat16"))
    overwrite: bool = key(False, OVERWRITE.replace("out=", "to="))


@dataclass
class CheckConfig:
    """Reports on poems."""

    poem: str | None = key(None, "any text, □ for what is missing; lines end at punctuation and line breaks")
    file: str | None = key(None, "file of poems (text, JSON, CSV), instead of poem=")
    likelihood: bool = key(False, "adds each character's under a model, and others for what is to mend")
    ckpt: str | None = key(None, f"the model, and asks for its likelihood; null: shipped. {CKPT}")
    suggestions: int = key(5, "characters for each place to mend; 0 is faster", between(0, MAX_SUGGESTIONS))
    corpus: bool = key(False, "adds the lines found in the training split, the model's or the 全唐诗's")
    data: CorpusPaths = field(default_factory=CorpusPaths)
    format: str = key("text", "format of the output", one_of("text", "json"))
    out: str | None = key(None, OUT)
    overwrite: bool = key(False, OVERWRITE)


@dataclass
class ReportConfig:
    """The report of a sweep."""

    dir: str = key(MISSING, "folder of a sweep, finished or not, or latest")
    x: str | None = key(None, "key on the heat map's horizontal axis; null: one of the two that matter most")
    y: str | None = key(None, "key on its vertical axis")


@dataclass
class PageConfig:
    """The page for a browser."""

    ckpt: str = key(SHIPPED, CKPT)
    host: str = key("127.0.0.1", "address to listen on; the default is for this computer alone, 0.0.0.0 for any")
    port: int = key(8000, "port to listen on; 0: a free one", between(0, 65535))
