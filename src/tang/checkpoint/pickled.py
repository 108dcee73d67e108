"""A dry run of a checkpoint's pickle: plain data comes out, tensors are declared, nothing is called.

``torch.load(weights_only=True)`` runs no code of the file, but takes what memory and time the file asks for: a
bytearray of any length, a sparse tensor of any size, a key whose hash takes for ever. Here the program is run on
a machine that has the operations of a checkpoint alone; a file that passes asks PyTorch for nothing else.
"""

import pickletools
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from tang.checkpoint.content import DAMAGED, Declared, RefusedError, check_shape, readable, shown

MAX_STEPS = 400_000


class Storage(NamedTuple):
    """The memory of a tensor or of several: a record of the archive."""

    dtype: torch.dtype
    numel: int


STORAGES = {
    f"torch {name}Storage": dtype
    for name, dtype in {
        "Float": torch.float32,
        "Double": torch.float64,
        "Half": torch.float16,
        "BFloat16": torch.bfloat16,
        "Long": torch.int64,
        "Int": torch.int32,
        "Byte": torch.uint8,
        "Bool": torch.bool,
    }.items()
}
TENSOR = "torch._utils _rebuild_tensor_v2"
ORDERED = "collections OrderedDict"

LITERALS = {"BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class Name(NamedTuple):
    """What a pickle would import."""

    name: str


def read(program: bytes, sizes: Mapping[str, int]) -> tuple[Any, list[Any]]:
    """What the pickle ``program`` makes, and what it sets as attributes of its dicts.

    Args:
        program: of protocol 2, as ``torch.save`` writes it.
        sizes: record of the archive → its bytes.

    Raises:
        RefusedError: it is broken, or does what no checkpoint does.
    """
    machine = _Machine(sizes)
    with readable("its data.pkl"):
        for step, (opcode, argument, _) in enumerate(pickletools.genops(program)):
            if step == MAX_STEPS:
                raise RefusedError(f"its data.pkl takes more than {MAX_STEPS:,} steps")
            machine.run(opcode.name, argument)
        (value,) = machine.stack
    return value, machine.attributes


class _Machine:
    """A stack, a memo and the operations of the pickle module that ``torch.save`` uses."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        """The stacks under each mark."""
        self.memo: dict[int, Any] = {}
        self.attributes: list[Any] = []
        self.storages: dict[str, Storage] = {}

    def run(self, operation: str, argument: Any) -> None:
        stack = self.stack
        if operation in LITERALS:
            stack.append(argument)
        elif operation in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif operation in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif operation in CONSTANTS:
            stack.append(CONSTANTS[operation])
        elif operation in TUPLES:
            stack[-TUPLES[operation] :] = [tuple(stack[-TUPLES[operation] :])]
        elif operation in _OPERATIONS:
            _OPERATIONS[operation](self)
        elif operation == "GLOBAL":
            if argument not in (TENSOR, ORDERED, *STORAGES):
                name = shown(argument.replace(" ", "."))
                raise RefusedError(f"names {name}, which no checkpoint of this project does", "don't use it")
            stack.append(Name(argument))
        elif operation == "PROTO":
            if argument != 2:  # PyTorch would warn
                raise RefusedError(f"its data.pkl is of protocol {argument}, that of checkpoints is 2")
        elif operation != "STOP":
            raise RefusedError(f"its data.pkl has an operation {operation}, which no checkpoint has", "don't use it")

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def to_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def tuple(self) -> None:
        items = tuple(self.to_mark())
        self.stack.append(items)

    def extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise TypeError
        self.stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        keys, values = items[::2], items[1::2]
        # A tuple can take for ever to hash, and large numbers can all have one hash.
        if type(self.stack[-1]) is not dict or not all(type(key) is str or _is_small(key) for key in keys):
            raise RefusedError("has a dict with keys other than texts and small numbers")
        self.stack[-1].update(zip(keys, values, strict=True))

    def pop(self, count: int) -> list[Any]:
        items = [self.stack.pop() for _ in range(count)]
        return items[::-1]

    def build(self) -> None:
        (state,) = self.pop(1)
        if type(self.stack[-1]) is not dict or type(state) is not dict or set(state) != {"_metadata"}:
            raise RefusedError("sets attributes that no checkpoint has", "don't use it")
        self.attributes.append(state)

    def storage(self) -> None:
        kind, name, key, location, numel = self.stack.pop()
        if kind != "storage" or type(key) is not str or type(location) is not str or type(numel) is not int:
            raise TypeError
        storage = Storage(STORAGES[name.name], numel)
        if self.sizes.get(f"data/{key}") != storage.numel * storage.dtype.itemsize:
            raise RefusedError("a tensor's memory isn't what the file holds for it", DAMAGED)
        if self.storages.setdefault(key, storage) != storage:
            raise RefusedError("two tensors take the same memory for different numbers")
        self.stack.append(storage)

    def reduce(self) -> None:
        function, arguments = self.pop(2)
        if type(function) is not Name or type(arguments) is not tuple:
            raise TypeError
        if function.name == ORDERED and arguments == ():
            self.stack.append({})
        elif function.name == TENSOR:
            self.stack.append(_tensor(*arguments))
        else:
            raise RefusedError(f"calls {function.name.replace(' ', '.')} as no checkpoint does", "don't use it")


def _is_small(key: Any) -> bool:
    return type(key) is int and 0 <= key < 2**31


def _tensor(
    storage: Any, offset: Any, shape: Any, stride: Any, requires_grad: Any, hooks: Any, metadata: Any = None
) -> Declared:
    """The arguments of torch._utils._rebuild_tensor_v2."""
    check_shape(shape, stride)
    if type(storage) is not Storage or type(offset) is not int or type(requires_grad) is not bool:
        raise TypeError
    if hooks != {} or metadata is not None:
        raise RefusedError("a tensor comes with more than its numbers")
    tensor = Declared(storage.dtype, tuple(shape))
    if offset < 0 or offset * storage.dtype.itemsize + tensor.nbytes > storage.numel * storage.dtype.itemsize:
        raise RefusedError("a tensor reaches beyond its memory")
    return tensor


_OPERATIONS = {
    "EMPTY_DICT": lambda machine: machine.stack.append({}),
    "EMPTY_LIST": lambda machine: machine.stack.append([]),
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple,
    "APPEND": lambda machine: machine.extend(machine.pop(1)),
    "APPENDS": lambda machine: machine.extend(machine.to_mark()),
    "SETITEM": lambda machine: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine: machine.set_items(machine.to_mark()),
    "BINPERSID": _Machine.storage,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}
