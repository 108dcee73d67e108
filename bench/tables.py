"""Shared by the benchmarks: measurements in turns, their medians, and the files of results."""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine
from measure import measured
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from work import Work

from tang.atomic import write_text

RESULTS = Path("bench/results")

Jobs = dict[str, tuple[str, Work]]
"""Name → kind of measurement and its work; see ``measure.py``."""


def options_for(description: str, repeats: int) -> argparse.ArgumentParser:
    """A parser with the options common to all measurements in turns."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--text", help="a text file with one poem a line instead of the 全唐诗")
    return parser


def source(options: argparse.Namespace) -> list[str]:
    """The overrides for ``--text``."""
    return ["data=text", f"data.path={options.text}"] if options.text else []


def in_turns(groups: Sequence[Jobs], repeats: int) -> list[dict[str, list[Any]]]:
    """The results of each group's jobs, by name; the jobs of a group take turns ``repeats`` times."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
        console=Console(stderr=True),
    )
    results: list[dict[str, list[Any]]] = [{name: [] for name in jobs} for jobs in groups]
    with bar:
        task = bar.add_task("", total=repeats * sum(map(len, groups)))
        for jobs, group in zip(groups, results, strict=True):
            for _ in range(repeats):
                for name, (what, work) in jobs.items():
                    sizes = f"H={work.hidden_size} L={work.num_layers} B={work.batch_size}"
                    bar.update(task, description=f"{sizes} {name}")
                    group[name].append(measured(what, work))
                    bar.advance(task)
    return results


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)}


def shown(spread: dict[str, Any]) -> str:
    """A spread in a table: ``12,300 (11,900–12,800)``."""
    return f"{spread['median']:,.0f} ({spread['min']:,.0f}–{spread['max']:,.0f})"


def save(name: str, device: str, findings: dict[str, Any], text: str) -> None:
    """:func:`write` and print."""
    print(write(name, device, findings, text))


def write(name: str, device: str, findings: dict[str, Any], text: str) -> str:
    """Write ``findings`` as JSON and ``text`` as Markdown, both with the machine's description; the latter."""
    about, path = machine.words(device), place(name, device)
    text = f"{text}\n\nMeasured on: {', '.join(f'{key} {value}' for key, value in about.items())}."
    path.parent.mkdir(parents=True, exist_ok=True)
    findings = {"machine": about, "device": device, **findings}
    write_text(path.with_suffix(".json"), json.dumps(findings, indent=1, ensure_ascii=False) + "\n")
    write_text(path.with_suffix(".md"), f"{text}\n")
    return text


def place(name: str, device: str) -> Path:
    """The path of the results, without ``.json`` or ``.md``."""
    return RESULTS / (name if device == "cpu" else f"{name}-{device}")
