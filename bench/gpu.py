"""Everything about a GPU that is worth eight minutes: ``python bench/gpu.py``, in the project's folder.

===========  ====================================================================================
correctness  the tests of a GPU: backends beside float64, bfloat16, resuming, sampling
speed        tokens a second as shipped and of the bare step, and the kernels' share of the time
head         the output layer's share of the matmul rate
graphs       whether CUDA graphs pay, over whole epochs
loss_read    the price of reading the loss in each step
tang         ``experiment=tang`` to its end
report_a     report A's comparison of Adam and Adagrad, as many seeds as there is time for
===========  ====================================================================================

Each is measured for itself, in this order, and kept at once. What fails, or what there is no time for, is named in the
results, and the exit code is then 1. ``--parts`` measures some of them; the others stay as they were measured on this
machine before. ``--device cpu --tiny`` tries everything that a CPU can compute.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import machine
from agenda import Deadline, Outcome, carry_out, section
from gpu_parts import PARTS
from gpu_setup import FULL, TINY, Setup
from tables import place, source, write


def main() -> None:
    options = parse()
    device = machine.pick_device(options.device)
    name = "gpu-tiny" if options.tiny else "gpu"
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(device, TINY if options.tiny else FULL, tuple(source(options)), Path(folder))
        parts = {part: build(setup) for part, build in PARTS.items()}
        before, today = earlier(name, device), date.today().isoformat()
        text = ""

        def save(outcomes: Mapping[str, Sequence[Outcome]]) -> None:
            nonlocal text
            now = {part: {"date": today, "outcomes": list(map(asdict, each))} for part, each in outcomes.items()}
            found = {part: (before | now)[part] for part in PARTS if part in before | now}
            sections = [
                section(f"{part}, {each['date']}", parts[part], [Outcome(**one) for one in each["outcomes"]])
                for part, each in found.items()
            ]
            text = write(name, device, {"parts": found}, "\n\n".join(sections))

        wanted = {part: parts[part] for part in options.parts}
        outcomes = carry_out(wanted, Deadline(60 * options.minutes), save)
    print(text)
    sys.exit(any(each.state in ("failed", "did not fit") for part in outcomes.values() for each in part))


def earlier(name: str, device: str) -> dict[str, Any]:
    """The parts that were measured on this machine before."""
    path = place(name, device).with_suffix(".json")
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return dict(found["parts"]) if "parts" in found and found["machine"] == machine.words(device) else {}


def parse() -> argparse.Namespace:
    def names(text: str) -> list[str]:
        asked = text.split(",")
        if unknown := [name for name in asked if name not in PARTS]:
            raise argparse.ArgumentTypeError(f"there is no part {unknown[0]}; parts are {', '.join(PARTS)}")
        return [name for name in PARTS if name in asked]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=names, default=list(PARTS), help="some of them, speed,head")
    parser.add_argument("--minutes", type=float, default=8.0, help="what isn't measured by then is left out")
    parser.add_argument("--tiny", action="store_true", help="sizes that only show whether everything runs")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--text", help="a text file with one poem a line instead of the 全唐诗")
    return parser.parse_args()


if __name__ == "__main__":
    main()
