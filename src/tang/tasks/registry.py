"""The tasks that a checkpoint may be of, by the name of their class."""

from tang.tasks.base import Task
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel

TASKS: dict[str, type[Task]] = {task.__name__: task for task in (LanguageModel, Classifier)}
