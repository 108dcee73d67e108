"""What checkpoints hold of a model, whether it is to be trained or only used. Needs no Lightning."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

if TYPE_CHECKING:
    Module = nn.Module  # what it is mixed into: PyTorch's or Lightning's
else:
    Module = object

Values = Mapping[str, Any]  # Keys and values of a config group, as checkpoints hold it


class Saved(Module):
    """A model whose checkpoints hold plain values: its arguments, and the name of its task.

    Mixed into a module of PyTorch's or of Lightning's; both have the same weights.
    """

    task: ClassVar[str] = ""  # The task's name in checkpoints; "" for any
    description: ClassVar[str]  # For messages, such as "a language model"
    command: ClassVar[str]  # The command that trains such a task
    read_by: ClassVar[str]  # The scripts that read its checkpoints
    saved: ClassVar[tuple[str, ...]]  # Its arguments that checkpoints hold
    configs: ClassVar[Mapping[str, type]]  # The config dataclasses that describe the saved model and data
    hparams: Any  # Name of each of ``saved`` → its value

    @classmethod
    def check_saved(cls, fields: Mapping[str, Any]) -> None:
        """Raise InputError if these values of :attr:`saved`, all of the right types, can't belong to this class."""
