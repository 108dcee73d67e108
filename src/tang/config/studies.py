"""Keys of ``conf/study.yaml`` and of the studies; each study is a function that takes its keys as arguments."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from tang.config.data import PoemsConfig
from tang.config.keys import POSITIVE, SEED, SHIPPED, Rule, at_least, key
from tang.config.scripts import CKPT, CorpusPaths

LAGS = Rule(lambda lags: len(lags) > 0 and all(lag > 0 for lag in lags), "numbers greater than 0")
CELLS = Rule(lambda cells: all(cell >= 0 for cell in cells), "numbers of cells, from 0")
SMALLER = Rule(lambda factor: 0 < factor < 1, "between 0 and 1")
LARGER = Rule(lambda factor: factor > 1, "greater than 1")


@dataclass
class StudyOf:
    """Keys of every study."""

    _target_: str = MISSING


@dataclass
class Memory(StudyOf):
    """Nine steps of a memory cell whose weights are set by hand."""

    _target_: str = "tang.studies.memory.study"


@dataclass
class GradientSizes:
    """Sizes of the layers whose gradients are compared."""

    batch_size: int = key(MISSING, "B", at_least(1))
    time: int = key(MISSING, "T, steps", at_least(1))
    embedding_size: int = key(MISSING, "E", at_least(1))
    hidden_size: int = key(MISSING, "H", at_least(1))
    num_layers: int = key(MISSING, "L; agreement: also fewer", at_least(1))


@dataclass
class Gradients(StudyOf):
    """Every backend's gradients against finite differences, and against PyTorch's."""

    _target_: str = "tang.studies.gradients.study"
    differences: GradientSizes = field(default_factory=lambda: GradientSizes(2, 5, 3, 4, 2))
    agreement: GradientSizes = field(default_factory=lambda: GradientSizes(8, 26, 64, 64, 3))


@dataclass
class FlowLanguage:
    """Language models whose gradients are measured."""

    hidden_size: int = key(128, "H", at_least(1))
    steps: int = key(300, "training steps", at_least(0))
    lr: float = key(3e-3, "learning rate of Adam", POSITIVE)
    clip: float = key(1.0, "norm that longer gradients are scaled down to", POSITIVE)
    characters: int = key(31, "T: position of the loss; 31 is the last rhyme of a 七言绝句", at_least(2))
    poems: int = key(64, "held-out poems to measure", at_least(1))


@dataclass
class FlowRecall:
    """The task of recalling a symbol after a lag of noise."""

    lags: list[int] = key([1, 2, 5, 10, 20, 40, 80], "steps of noise, one after another", LAGS)
    symbols: int = key(32, "distinct symbols", at_least(2))
    embedding_size: int = key(16, "E", at_least(1))
    hidden_size: int = key(64, "H", at_least(1))
    steps: int = key(400, "training steps at each lag", at_least(0))
    batch_size: int = key(32, "sequences in a batch", at_least(1))
    lr: float = key(1e-3, "learning rate of Adam", POSITIVE)
    clip: float = key(1.0, "norm that longer gradients are scaled down to", POSITIVE)


@dataclass
class Flow(StudyOf):
    """How far back gradients reach: Elman net, GRU and LSTM, on poems and on delayed recall."""

    _target_: str = "tang.studies.flow.study"
    data: PoemsConfig = field(default_factory=PoemsConfig)
    language: FlowLanguage = field(default_factory=FlowLanguage)
    recall: FlowRecall = field(default_factory=FlowRecall)
    seeds: int = key(3, "networks of each kind", at_least(1))


@dataclass
class Initialization(StudyOf):
    """Initial weights: zeros, equal units, too small, usual, too large; with gradient clipping and without."""

    _target_: str = "tang.studies.initialization.study"
    data: PoemsConfig = field(default_factory=PoemsConfig)
    hidden_size: int = key(64, "H", at_least(1))
    steps: int = key(300, "training steps", at_least(1))
    lr: float = key(3e-3, "learning rate of Adam", POSITIVE)
    clip: float = key(1.0, "norm that longer gradients are scaled down to", POSITIVE)
    small: float = key(0.01, "multiplies the recurrent weights: too small", SMALLER)
    large: float = key(30.0, "multiplies the recurrent weights: too large", LARGER)


@dataclass
class Inside(StudyOf):
    """What a trained LSTM keeps, hears and forgets: surprise, gates, cells that count, probes, context, echoes."""

    _target_: str = "tang.studies.inside.study"
    ckpt: str = key(SHIPPED, CKPT)
    data: CorpusPaths = field(default_factory=CorpusPaths, metadata={"help": "where the corpus is now"})
    poems: int = key(300, "held-out poems that are read again with a part left out", at_least(1))
    cells: int = key(10, "cells that are held at their mean", at_least(1))
    held: list[int] = key([], "cells that are held at their mean besides, by their numbers", CELLS)


@dataclass
class StudyConfig:
    """A study."""

    study: StudyOf = field(default_factory=StudyOf)
    seed: int = key(1, "of weights and draws", SEED)
