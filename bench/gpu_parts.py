"""The parts of ``bench/gpu.py``: what each measures, and its table."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import gpu_tables as tables_of
from agenda import Deadline, Found, IncompleteError, Item, Part
from gpu_setup import Setup
from measure import measured

from tang.runs.run import RunFolder

ROOT = Path(__file__).parent.parent

OPTIMIZERS = ("adam", "adagrad")
"""Of report A."""

START_AND_END = 30
"""Seconds that a training takes beside its epochs: imports, the corpus, the test."""


def correctness(setup: Setup) -> Part:
    return Part("`python -m pytest -m gpu`.", [Item("tests/test_gpu.py", partial(tests, setup))], tables_of.correctness)


def tests(setup: Setup, deadline: Deadline) -> Found:
    """How many tests of a GPU passed, by the name of their function."""
    report = setup.folder / "tests.xml"
    options = ["-m", "gpu", "-q", "-o", "addopts=", "--import-mode=importlib", f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", "tests/test_gpu.py", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=deadline.left)
    if not report.exists():
        raise RuntimeError(done.stdout + done.stderr)
    counts: dict[str, Counter[str]] = {}
    failed = []
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        state = "skipped" if kinds == {"skipped"} else "failed" if kinds else "passed"
        counts.setdefault(case.attrib["name"].partition("[")[0], Counter())[state] += 1
        failed += [case.attrib["name"]] * (state == "failed")
    found = {"tests": {name: dict(states) for name, states in counts.items()}, "output": done.stdout[-4000:]}
    if failed:
        raise IncompleteError("failed", f"{len(failed)} tests: {', '.join(failed)}", found)
    if not any("passed" in states for states in counts.values()):
        raise IncompleteError("skipped", "there is no GPU", found)
    return found


def of_steps(setup: Setup, what: str, layers: int, batch_size: int, deadline: Deadline) -> Found:
    """A function of ``gpu_steps.py`` on the training of this size."""
    work = setup.work(layers, batch_size)
    found = measured(f"gpu_steps.{what}", work, deadline.left)
    return {"num_layers": layers, "batch_size": batch_size, **found}


def items_of_steps(setup: Setup, what: str, sizes: Sequence[tuple[int, int]]) -> list[Item]:
    """An item for each number of layers and batch size."""
    return [Item(f"L = {each[0]}, B = {each[1]}", partial(of_steps, setup, what, *each)) for each in sizes]


def speed(setup: Setup) -> Part:
    sizes = [(layers, batch_size) for layers in setup.sizes.layers for batch_size in setup.sizes.batch_sizes]
    about = (
        f"E = H = {setup.sizes.hidden_size}; real tokens a second as shipped and of the bare step. Kernels is the time "
        "in which the GPU is at work."
    )
    return Part(about, items_of_steps(setup, "speed", sizes), tables_of.speed)


def head(setup: Setup) -> Part:
    about = "The output layer with its cross-entropy, forward and backward, beside the rates of matmuls."
    sizes = [(1, batch_size) for batch_size in setup.sizes.batch_sizes]
    return Part(about, items_of_steps(setup, "head", sizes), tables_of.head)


def graphs(setup: Setup) -> Part:
    about = (
        "An epoch of bare steps, their kernels launched one by one, and epochs of steps replayed as CUDA graphs. A "
        "graph is captured at the second batch of its shape, within the epoch's time."
    )
    items = items_of_steps(setup, "graphs", [(layers, setup.sizes.batch_sizes[0]) for layers in setup.sizes.layers])
    if setup.device == "cpu":
        items = [Item(item.name, no_graphs) for item in items]
    return Part(about, items, tables_of.graphs)


def no_graphs(deadline: Deadline) -> Found:
    raise IncompleteError("skipped", "there are no CUDA graphs on a CPU")


def loss_read(setup: Setup) -> Part:
    about = (
        "The bare step when the host reads each loss before the optimizer's step, as training does, or a step later."
    )
    layers, batch_sizes = setup.sizes.layers, setup.sizes.batch_sizes
    sizes = dict.fromkeys([*((each, batch_sizes[0]) for each in layers), (layers[-1], batch_sizes[-1])])
    return Part(about, items_of_steps(setup, "loss_read", list(sizes)), tables_of.loss_read)


def tang(setup: Setup) -> Part:
    about = "`python src/train.py experiment=tang` from the command to its end."
    return Part(about, [Item("experiment=tang", partial(whole_tang, setup))], tables_of.tang)


def whole_tang(setup: Setup, deadline: Deadline) -> Found:
    """The training to its end, with its tokens."""
    overrides = setup.whole("tang")
    tokens = setup.planned(overrides).tokens
    found = trained(overrides, setup, "tang", deadline)
    return {**found, "tokens": tokens * found["epochs"]}


def report_a(setup: Setup) -> Part:
    about = "`experiment=report_a_adam` and `report_a_adagrad` at once; perplexities of held-out poems without padding."
    items = [Item(f"seed {seed}", partial(both, setup, seed)) for seed in setup.sizes.seeds]
    return Part(about, items, tables_of.report_a)


def both(setup: Setup, seed: int, deadline: Deadline) -> Found:
    """Both optimizers with this seed, at once, for as long as there is time."""
    seconds = int(deadline.left - START_AND_END)
    if seconds < START_AND_END:
        raise IncompleteError("did not fit", f"{deadline.left:.0f} s were left")
    limit = f"trainer.max_time='00:00:{seconds // 60:02}:{seconds % 60:02}'"

    def train(optimizer: str) -> Found:
        overrides = setup.whole(f"report_a_{optimizer}", f"seed={seed}", limit)
        return trained(overrides, setup, f"{optimizer}-{seed}", deadline)

    with ThreadPoolExecutor() as pool:
        runs = dict(zip(OPTIMIZERS, pool.map(train, OPTIMIZERS), strict=True))
    found = {"seed": seed, "runs": runs}
    if any("max_time" in run["ended_by"] for run in runs.values()):
        epochs = " and ".join(str(run["epochs"]) for run in runs.values())
        raise IncompleteError("did not fit", f"time was up in epochs {epochs}", found)
    return found


def trained(overrides: Sequence[str], setup: Setup, name: str, deadline: Deadline) -> Found:
    """Run ``src/train.py``; its ``result.json``, and the seconds from the command to its end.

    Raises:
        RuntimeError: the training failed; the message has its stderr.
        TimeoutExpired: it took longer than there is time, and was killed.
    """
    folder, begin = setup.folder / name, time.perf_counter()
    options = [*overrides, f"trainer.accelerator={setup.device}", f"hydra.run.dir={folder}"]
    command = [sys.executable, str(ROOT / "src" / "train.py"), *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=deadline.left)
    result = RunFolder(folder).read_result()
    if done.returncode or result is None:
        raise RuntimeError(done.stderr or done.stdout)
    return {**asdict(result), "seconds": time.perf_counter() - begin}


PARTS: dict[str, Callable[[Setup], Part]] = {
    "correctness": correctness,
    "speed": speed,
    "head": head,
    "graphs": graphs,
    "loss_read": loss_read,
    "tang": tang,
    "report_a": report_a,
}
"""In order of value."""
