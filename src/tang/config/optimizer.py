"""Keys of the config groups ``optimizer`` and ``scheduler``."""

from dataclasses import dataclass

from omegaconf import MISSING

from tang.config.keys import BETAS, FRACTION, NOT_NEGATIVE, POSITIVE, at_least, between, key


@dataclass
class OptimizerConfig:
    """Keys of every optimizer; each file of ``conf/optimizer/`` sets its own learning rate."""

    _target_: str = MISSING
    _partial_: bool = True
    lr: float = key(MISSING, "learning rate", POSITIVE)
    lr_scale: float = key(1.0, "multiplies lr: one range to sweep that suits all optimizers", POSITIVE)
    weight_decay: float = key(0.0, "L2 penalty; decoupled in adamw and muon", NOT_NEGATIVE)


@dataclass
class RAdam(OptimizerConfig):
    _target_: str = "torch.optim.RAdam"
    betas: list[float] = key([0.9, 0.999], "decay rates of the running means of gradients and squares", BETAS)
    eps: float = key(1e-8, "added to the denominator", POSITIVE)


@dataclass
class NAdam(RAdam):
    _target_: str = "torch.optim.NAdam"
    momentum_decay: float = key(4e-3, "how fast the momentum rises to betas[0]", NOT_NEGATIVE)


@dataclass
class Adam(RAdam):
    _target_: str = "torch.optim.Adam"
    fused: bool | None = key(None, "one kernel for all parameters")


@dataclass
class AdamW(Adam):
    _target_: str = "torch.optim.AdamW"


@dataclass
class Muon(Adam):
    """Keys of :class:`tang.tasks.muon.Muon`; those of Adam are for embeddings, output layer and biases."""

    _target_: str = "tang.tasks.muon.Muon"
    momentum: float = key(0.95, "decay rate of the running mean of a hidden matrix's gradient", FRACTION)
    nesterov: bool = key(True, "Nesterov's momentum")
    ns_steps: int = key(5, "Newton–Schulz iterations that orthogonalize a step", between(1, 99))


@dataclass
class SGD(OptimizerConfig):
    _target_: str = "torch.optim.SGD"
    momentum: float = key(0.0, "decay rate of the running sum of gradients", FRACTION)
    nesterov: bool = key(False, "Nesterov's momentum")
    fused: bool | None = key(None, "one kernel for all parameters")


@dataclass
class Adagrad(OptimizerConfig):
    _target_: str = "torch.optim.Adagrad"
    initial_accumulator_value: float = key(0.0, "initial sum of squared gradients", NOT_NEGATIVE)
    eps: float = key(1e-10, "added to the denominator", POSITIVE)


@dataclass
class RMSprop(OptimizerConfig):
    _target_: str = "torch.optim.RMSprop"
    alpha: float = key(0.99, "decay rate of the running mean of squared gradients", FRACTION)
    eps: float = key(1e-8, "added to the denominator", POSITIVE)


@dataclass
class Adadelta(OptimizerConfig):
    _target_: str = "torch.optim.Adadelta"
    rho: float = key(0.9, "decay rate of the running means", FRACTION)
    eps: float = key(1e-6, "added to numerator and denominator", POSITIVE)


@dataclass
class SchedulerConfig:
    """A constant learning rate."""

    _target_: str = "tang.tasks.schedules.none"
    _partial_: bool = True


@dataclass
class Cosine(SchedulerConfig):
    """Keys of :func:`tang.tasks.schedules.cosine`."""

    _target_: str = "tang.tasks.schedules.cosine"
    warmup: float = key(0.05, "share of all steps in which the rate rises linearly", FRACTION)
    final: float = key(0.0, "final learning rate ÷ peak", FRACTION)


@dataclass
class Plateau(SchedulerConfig):
    """Keys of :func:`tang.tasks.schedules.plateau`."""

    _target_: str = "tang.tasks.schedules.plateau"
    factor: float = key(0.3, "multiplies the rate when val/loss has stopped falling", FRACTION)
    patience: int = key(0, "validations without improvement before that", at_least(0))


OPTIMIZERS: dict[str, type] = {
    kind.__name__.lower(): kind for kind in (Adam, AdamW, NAdam, RAdam, Muon, SGD, Adagrad, RMSprop, Adadelta)
}
SCHEDULERS: dict[str, type] = {"none": SchedulerConfig, "cosine": Cosine, "plateau": Plateau}
