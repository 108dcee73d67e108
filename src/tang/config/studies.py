"""The schemas of ``conf/study.yaml`` and of the studies; each holds the arguments of its function."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from tang.config.rules import SEED, key


@dataclass
class StudyOf:
    """What every study has."""

    _target_: str = MISSING


@dataclass
class Memory(StudyOf):
    _target_: str = "tang.studies.memory.study"


@dataclass
class Gradients(StudyOf):
    _target_: str = "tang.studies.gradients.study"


@dataclass
class Flow(StudyOf):
    _target_: str = "tang.studies.flow.study"


@dataclass
class Initialization(StudyOf):
    _target_: str = "tang.studies.initialization.study"


@dataclass
class Study:
    """``conf/study.yaml``."""

    study: StudyOf = field(default_factory=StudyOf)
    seed: int = key(1, SEED)
