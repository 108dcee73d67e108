"""The schemas of ``conf/study.yaml`` and of the studies; each holds the arguments of its function."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from tang.config.rules import POSITIVE, SEED, Rule, at_least, key
from tang.config.training import Poems

LAGS = Rule(lambda lags: len(lags) > 0 and all(lag > 0 for lag in lags), "numbers greater than 0")
SMALLER = Rule(lambda factor: 0 < factor < 1, "between 0 and 1")
LARGER = Rule(lambda factor: factor > 1, "greater than 1")


@dataclass
class StudyOf:
    """What every study has."""

    _target_: str = MISSING


@dataclass
class Memory(StudyOf):
    _target_: str = "tang.studies.memory.study"


@dataclass
class GradientSizes:
    """See tang.studies.gradients.Sizes."""

    batch_size: int = key(MISSING, rule=at_least(1))
    time: int = key(MISSING, rule=at_least(1))
    embedding_size: int = key(MISSING, rule=at_least(1))
    hidden_size: int = key(MISSING, rule=at_least(1))
    num_layers: int = key(MISSING, rule=at_least(1))


@dataclass
class Gradients(StudyOf):
    _target_: str = "tang.studies.gradients.study"
    differences: GradientSizes = field(default_factory=GradientSizes)
    agreement: GradientSizes = field(default_factory=GradientSizes)


@dataclass
class FlowLanguage:
    """See tang.studies.flow.through_poems."""

    hidden_size: int = key(MISSING, rule=at_least(1))
    steps: int = key(MISSING, rule=at_least(0))
    lr: float = key(MISSING, rule=POSITIVE)
    clip: float = key(MISSING, rule=POSITIVE)
    characters: int = key(MISSING, rule=at_least(2))
    poems: int = key(MISSING, rule=at_least(1))


@dataclass
class FlowRecall:
    """See tang.studies.recall.accuracies."""

    lags: list[int] = key(MISSING, rule=LAGS)
    symbols: int = key(MISSING, rule=at_least(2))
    embedding_size: int = key(MISSING, rule=at_least(1))
    hidden_size: int = key(MISSING, rule=at_least(1))
    steps: int = key(MISSING, rule=at_least(0))
    batch_size: int = key(MISSING, rule=at_least(1))
    lr: float = key(MISSING, rule=POSITIVE)
    clip: float = key(MISSING, rule=POSITIVE)


@dataclass
class Flow(StudyOf):
    _target_: str = "tang.studies.flow.study"
    data: Poems = field(default_factory=Poems)
    language: FlowLanguage = field(default_factory=FlowLanguage)
    recall: FlowRecall = field(default_factory=FlowRecall)
    seeds: int = key(MISSING, rule=at_least(1))


@dataclass
class Initialization(StudyOf):
    _target_: str = "tang.studies.initialization.study"
    data: Poems = field(default_factory=Poems)
    hidden_size: int = key(MISSING, rule=at_least(1))
    steps: int = key(MISSING, rule=at_least(1))
    lr: float = key(MISSING, rule=POSITIVE)
    clip: float = key(MISSING, rule=POSITIVE)
    small: float = key(MISSING, rule=SMALLER)
    large: float = key(MISSING, rule=LARGER)


@dataclass
class Study:
    """``conf/study.yaml``."""

    study: StudyOf = field(default_factory=StudyOf)
    seed: int = key(1, rule=SEED)
