"""The constraints on poems, one class in one file each; :data:`CONSTRAINTS` lists them."""

from tang.generation.constraints.acrostic import Acrostic
from tang.generation.constraints.base import Constraint
from tang.generation.constraints.contains import Contains
from tang.generation.constraints.no_copy import NoCopy
from tang.generation.constraints.no_repeat import NoRepeat
from tang.generation.constraints.regulated import Regulated

__all__ = ["CONSTRAINTS", "Acrostic", "Constraint", "Contains", "NoCopy", "NoRepeat", "Regulated"]

CONSTRAINTS: list[type[Constraint]] = [Acrostic, NoRepeat, Regulated, Contains, NoCopy]
"""Their fields are keys of ``sample.py``. A constraint's tracker is made after those of the classes before it."""
