"""All hostile files: those of the group ``states`` are read to resume training, the others as a model."""

from tests.hostile.archives import ARCHIVES, SPACE
from tests.hostile.exports import SAFETENSORS
from tests.hostile.fields import FIELDS, FOREIGN, WEIGHTS
from tests.hostile.pickles import CODE, MEMORY
from tests.hostile.states import STATES

GROUPS = {
    "code": CODE,
    "memory": MEMORY,
    "space": SPACE,
    "archives": ARCHIVES,
    "fields": FIELDS,
    "weights": WEIGHTS,
    "foreign": FOREIGN,
    "safetensors": SAFETENSORS,
    "states": STATES,
}

FILES = {f"{group}: {case}": made for group, cases in GROUPS.items() for case, made in cases.items()}
